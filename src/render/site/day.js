"use strict";
// What the page of a day does on a server, besides what its file does: it stores reviews at once, plays one laugh after the
// other at a chosen speed, and shows where in a clip it is. It listens to page.js.
(() => {
  const saved = document.getElementById("saved");
  const unsaved = document.getElementById("unsaved");
  if (!saved) return; // Nothing was analyzed.

  // One request at a time, so that the order of reviews is that of the clicks.
  let queue = Promise.resolve();
  const waiting = new Map(); // From a laugh to its comment that is being written.
  const lines = (laugh, review) => laugh.parts.map((part) => JSON.stringify({
    source: laugh.source, ...part, verdict: review.verdict || null, comment: review.comment || null,
    favourite: Boolean(review.favourite), at: review.at,
  }) + "\n").join("");
  const post = async (body) => {
    const answer = await fetch("/api/v1/reviews", {
      method: "POST", headers: { "Content-Type": "application/x-ndjson" }, body, keepalive: body.length < 60000,
    });
    if (answer.ok) return;
    const problem = await answer.json().catch(() => ({}));
    throw new Error(problem.detail || `the server answered ${answer.status}`);
  };
  const send = async (laugh, value) => {
    let isStored = true;
    try {
      await post(lines(laugh, value));
      unsaved.hidden = true;
      saved.textContent = "Saved";
    } catch (error) {
      isStored = false;
      saved.textContent = "";
      const why = error instanceof TypeError ? "the server does not answer; check that it runs" : error.message;
      unsaved.textContent = `Not saved, the change was taken back: ${why}`;
      unsaved.hidden = false;
    }
    document.dispatchEvent(new CustomEvent("giggles:answered", { detail: { laugh, value, isStored } }));
  };
  const flush = (laugh) => {
    const entry = waiting.get(laugh);
    if (!entry) return;
    clearTimeout(entry.timer);
    waiting.delete(laugh);
    queue = queue.then(() => send(laugh, entry.value));
  };
  document.addEventListener("giggles:review", ({ detail: { laugh, value, isText } }) => {
    clearTimeout(waiting.get(laugh)?.timer);
    saved.textContent = "";
    waiting.set(laugh, { value, timer: setTimeout(() => flush(laugh), isText ? 800 : 0) });
  });
  const flushAll = () => [...waiting.keys()].forEach(flush);
  document.addEventListener("change", (event) => { if (event.target.closest(".comment")) flushAll(); });
  addEventListener("pagehide", () => { for (const [laugh, { value, timer }] of waiting) { clearTimeout(timer); post(lines(laugh, value)).catch(() => {}); } waiting.clear(); });

  // The player.
  const speed = document.getElementById("speed");
  const playAll = document.getElementById("play-all");
  const head = document.createElement("span");
  head.className = "playhead";
  head.hidden = true;
  let player = null;
  let picture = null;
  let isAll = false;
  const rows = () => [...document.querySelectorAll(".laughs > li")].filter(
    (row) => !row.hidden && !row.closest("details:not([open])") && row.querySelector(".play:not([hidden])"));
  const follow = () => {
    if (!player || !picture) return;
    const part = player.duration ? player.currentTime / player.duration : 0;
    head.style.left = `${picture.offsetLeft + picture.offsetWidth * part}px`;
    head.style.top = `${picture.offsetTop}px`;
    head.style.height = `${picture.offsetHeight}px`;
    requestAnimationFrame(follow);
  };
  document.addEventListener("giggles:play", ({ detail: { row, part, player: playing } }) => {
    player = playing;
    player.defaultPlaybackRate = player.playbackRate = Number(speed.value);
    picture = row.querySelectorAll(".spectrogram")[part] || null;
    head.hidden = !picture;
    if (picture) { picture.after(head); requestAnimationFrame(follow); }
  });
  const setAll = (value) => {
    isAll = value;
    playAll.textContent = isAll ? "Stop" : "Play all";
  };
  document.addEventListener("giggles:stop", ({ detail: { row, isOver } }) => {
    picture = null;
    head.hidden = true;
    if (!isAll) return;
    const all = rows();
    const next = isOver ? all[all.indexOf(row) + 1] : null;
    if (!next) return setAll(false);
    setTimeout(() => { if (isAll) { next.scrollIntoView({ block: "nearest" }); next.querySelector(".play").click(); } }, 300);
  });
  playAll.onclick = () => {
    if (isAll) {
      setAll(false);
      return document.querySelector(".play.on")?.click();
    }
    const first = rows()[0];
    if (!first) return;
    document.querySelector(".play.on")?.click();
    setAll(true);
    first.querySelector(".play").click();
  };
  speed.onchange = () => { if (player) player.playbackRate = Number(speed.value); };
  // A click on a spectrogram plays from there.
  document.addEventListener("click", (event) => {
    const clicked = event.target.closest(".spectrogram");
    const row = clicked?.closest("li");
    const button = row?.querySelector(".play:not([hidden])");
    if (!button || row.querySelectorAll(".spectrogram").length > 1) return;
    const part = event.offsetX / clicked.offsetWidth;
    const seek = () => { player.currentTime = part * player.duration; };
    if (!button.classList.contains("on")) button.click();
    if (player.duration) seek(); else player.addEventListener("loadedmetadata", seek, { once: true });
  });
})();
