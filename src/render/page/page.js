"use strict";
(() => {
  const laughs = JSON.parse(document.getElementById("laughs").textContent);
  const rows = [...document.querySelectorAll(".laughs li")];
  if (!rows.length) return;
  const marks = new Map([...document.querySelectorAll(".mark")].map((mark) => [Number(mark.dataset.laugh), mark]));
  const slider = document.getElementById("threshold");
  const player = new Audio();
  let current = -1;
  let playing = null;

  // A review is keyed by the identity of its laugh. The later of two applies: the one in the database when the page was
  // created, or the one in this browser's local storage.
  const key = (laugh) => "giggles:" + [laugh.source, laugh.content_sha256 || laugh.recording, laugh.start_seconds, laugh.end_seconds].join("|");
  const memory = new Map();
  const localReview = (laugh) => {
    const fallback = memory.get(key(laugh));
    try { return JSON.parse(localStorage.getItem(key(laugh))) || fallback; } catch { return fallback; }
  };
  const load = (laugh) => {
    const [local, stored] = [localReview(laugh), laugh.review];
    return (local && stored && Date.parse(local.at) < Date.parse(stored.at) ? stored : local || stored) || {};
  };
  const save = (laugh, change) => {
    // Always later than the review it replaces, also if that came from a clock that was ahead.
    const before = load(laugh);
    const at = new Date(Math.max(Date.now(), (Date.parse(before.at) || 0) + 1)).toISOString();
    const value = { ...before, ...change, at };
    memory.set(key(laugh), value);
    try { localStorage.setItem(key(laugh), JSON.stringify(value)); } catch { /* Private windows have no storage; the export still contains the review. */ }
  };

  const reviewText = (review) => [review.verdict, review.comment].filter(Boolean).join(": ");
  const show = (i) => {
    const review = load(laughs[i]);
    const row = rows[i];
    row.querySelector(".confirm").setAttribute("aria-pressed", String(review.verdict === "confirmed"));
    row.querySelector(".reject").setAttribute("aria-pressed", String(review.verdict === "rejected"));
    row.classList.toggle("rejected", review.verdict === "rejected");
    marks.get(i)?.classList.toggle("out", review.verdict === "rejected");
    // Shown in print, where the buttons are hidden.
    row.querySelector(".review bdi").textContent = reviewText(review);
    if (document.activeElement !== row.querySelector(".comment")) row.querySelector(".comment").value = review.comment || "";
  };
  const setVerdict = (i, verdict) => {
    save(laughs[i], { verdict: load(laughs[i]).verdict === verdict ? null : verdict });
    show(i);
  };

  const stop = () => {
    player.pause();
    if (playing !== null) {
      const button = rows[playing].querySelector(".play");
      button.classList.remove("on");
      button.setAttribute("aria-label", button.getAttribute("aria-label").replace(/^Stop/, "Play"));
    }
    playing = null;
  };
  const play = (i) => {
    const again = playing === i;
    stop();
    const sounds = laughs[i].audio;
    if (again || !sounds.length) return;
    playing = i;
    const button = rows[i].querySelector(".play");
    button.classList.add("on");
    button.setAttribute("aria-label", button.getAttribute("aria-label").replace(/^Play/, "Stop"));
    let part = 0;
    const next = () => {
      if (playing !== i) return;
      if (part === sounds.length) return stop();
      player.src = sounds[part++];
      player.play().catch(() => {
        if (playing !== i) return;
        stop();
        button.hidden = true;
        const why = document.createElement("span");
        why.className = "mute";
        why.textContent = "the clip cannot be played; check that the folder of clips is still in place";
        button.after(why);
      });
    };
    player.onended = next;
    next();
  };

  const visible = () => rows.findIndex((row) => !row.hidden);
  // Exactly one visible row is in the tab order.
  const setTabStop = (stop) => rows.forEach((row, i) => { row.tabIndex = i === stop ? 0 : -1; });
  const select = (i) => {
    marks.get(current)?.classList.remove("at");
    current = i;
    marks.get(i)?.classList.add("at");
    setTabStop(i);
  };
  const move = (i) => {
    if (!rows[i]) return;
    select(i);
    rows[i].focus({ preventScroll: true });
    rows[i].scrollIntoView({ block: "nearest" });
  };
  const step = (by) => {
    for (let i = current + by; i >= 0 && i < rows.length; i += by) if (!rows[i].hidden) return move(i);
  };

  const filter = () => {
    const from = Number(slider.value);
    let shown = 0;
    rows.forEach((row, i) => {
      row.hidden = laughs[i].peak < from;
      marks.get(i)?.classList.toggle("off", row.hidden);
      if (!row.hidden) shown += 1;
    });
    if (playing !== null && rows[playing].hidden) stop(); // Its button is hidden.
    if (rows[current]?.hidden) select(visible()); else setTabStop(current < 0 ? visible() : current);
    document.getElementById("from").textContent = from.toFixed(2);
    document.getElementById("shown").textContent = `${shown} of ${rows.length} shown`;
  };

  const lines = () => laughs.map((laugh) => [laugh, load(laugh)])
    .filter(([, review]) => review.at) // Also withdrawn reviews: they may be stored.
    .flatMap(([laugh, review]) => laugh.parts.map((part) => JSON.stringify({
      source: laugh.source, ...part, verdict: review.verdict || null, comment: review.comment || null, at: review.at,
    }) + "\n")).join(""); // One line per part: each has its own row in the database.
  const exportReviews = () => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([lines()], { type: "application/x-ndjson" }));
    link.download = `giggles-reviews-${laughs[0].starts_at.slice(0, 10)}.jsonl`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  };

  rows.forEach((row, i) => {
    row.querySelector(".verdict").hidden = false;
    row.querySelector(".confirm").onclick = () => setVerdict(i, "confirmed");
    row.querySelector(".reject").onclick = () => setVerdict(i, "rejected");
    row.querySelector(".comment").oninput = (event) => { save(laughs[i], { comment: event.target.value.trim() || null }); show(i); };
    const button = row.querySelector(".play");
    if (button) { button.hidden = false; button.onclick = () => play(i); }
    row.addEventListener("focusin", () => { if (current !== i) select(i); });
    marks.get(i)?.addEventListener("click", () => { if (!row.hidden) move(i); });
    show(i);
  });
  document.querySelector(".controls").hidden = false;
  document.documentElement.classList.add("live");
  slider.value = slider.min; // Browsers restore the value on reload, which would filter the list.
  slider.oninput = filter;
  document.getElementById("export").onclick = exportReviews;
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea")) return;
    const at = current < 0 ? visible() : current;
    const act = {
      j: () => step(1), ArrowDown: () => step(1), k: () => step(-1), ArrowUp: () => step(-1),
      " ": () => play(at), y: () => setVerdict(at, "confirmed"), n: () => setVerdict(at, "rejected"),
    }[event.key];
    // Hidden rows do not react to keys; `at` is -1 if all rows are hidden.
    if (!act || at < 0 || (event.key === " " && event.target.closest("button"))) return;
    event.preventDefault();
    act();
  });
  filter();
})();
