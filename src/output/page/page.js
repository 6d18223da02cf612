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

  // A laugh is known by what it is, not by its place on this page. What is said of it is what the database held when
  // the page was made, until this browser knows something later.
  const key = (laugh) => "giggles:" + [laugh.source, laugh.content_sha256 || laugh.recording, laugh.start_seconds, laugh.end_seconds].join("|");
  const memory = new Map();
  const own = (laugh) => {
    const here = memory.get(key(laugh));
    try { return JSON.parse(localStorage.getItem(key(laugh))) || here; } catch { return here; }
  };
  const load = (laugh) => {
    const [here, stored] = [own(laugh), laugh.said];
    return (here && stored && Date.parse(here.at) < Date.parse(stored.at) ? stored : here || stored) || {};
  };
  const save = (laugh, said) => {
    // Later than what it changes, also where the clock that told that was ahead.
    const before = load(laugh);
    const at = new Date(Math.max(Date.now(), (Date.parse(before.at) || 0) + 1)).toISOString();
    const value = { ...before, ...said, at };
    memory.set(key(laugh), value);
    try { localStorage.setItem(key(laugh), JSON.stringify(value)); } catch { /* A private window forgets; the export does not. */ }
  };

  const words = (said) => [{ keep: "kept", discard: "discarded" }[said.verdict], said.note].filter(Boolean).join(": ");
  const show = (i) => {
    const said = load(laughs[i]);
    const row = rows[i];
    row.querySelector(".keep").setAttribute("aria-pressed", String(said.verdict === "keep"));
    row.querySelector(".discard").setAttribute("aria-pressed", String(said.verdict === "discard"));
    row.classList.toggle("discarded", said.verdict === "discard");
    marks.get(i)?.classList.toggle("out", said.verdict === "discard");
    // For paper, which has no buttons.
    row.querySelector(".said bdi").textContent = words(said);
    if (document.activeElement !== row.querySelector(".note")) row.querySelector(".note").value = said.note || "";
  };
  const judge = (i, verdict) => {
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
        why.textContent = "its clip cannot be played; is the folder of clips still beside the page?";
        button.after(why);
      });
    };
    player.onended = next;
    next();
  };

  const visible = () => rows.findIndex((row) => !row.hidden);
  // One row is in the order of Tab, and it is one that is seen.
  const reach = (stop) => rows.forEach((row, i) => { row.tabIndex = i === stop ? 0 : -1; });
  const choose = (i) => {
    marks.get(current)?.classList.remove("at");
    current = i;
    marks.get(i)?.classList.add("at");
    reach(i);
  };
  const move = (i) => {
    if (!rows[i]) return;
    choose(i);
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
    if (playing !== null && rows[playing].hidden) stop(); // Its button is gone.
    if (rows[current]?.hidden) choose(visible()); else reach(current < 0 ? visible() : current);
    document.getElementById("from").textContent = from.toFixed(2);
    document.getElementById("shown").textContent = `${shown} of ${rows.length} shown`;
  };

  const lines = () => laughs.map((laugh) => [laugh, load(laugh)])
    .filter(([, said]) => said.at) // Also what was taken back: it may be stored.
    .flatMap(([laugh, said]) => laugh.parts.map((part) => JSON.stringify({
      source: laugh.source, ...part, verdict: said.verdict || null, note: said.note || null, at: said.at,
    }) + "\n")).join(""); // A line a part: each has its own row in the database.
  const exportNotes = () => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([lines()], { type: "application/x-ndjson" }));
    link.download = `giggles-notes-${laughs[0].starts_at.slice(0, 10)}.jsonl`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  };

  rows.forEach((row, i) => {
    row.querySelector(".verdict").hidden = false;
    row.querySelector(".keep").onclick = () => judge(i, "keep");
    row.querySelector(".discard").onclick = () => judge(i, "discard");
    row.querySelector(".note").oninput = (event) => { save(laughs[i], { note: event.target.value.trim() || null }); show(i); };
    const button = row.querySelector(".play");
    if (button) { button.hidden = false; button.onclick = () => play(i); }
    row.addEventListener("focusin", () => { if (current !== i) choose(i); });
    marks.get(i)?.addEventListener("click", () => { if (!row.hidden) move(i); });
    show(i);
  });
  document.querySelector(".controls").hidden = false;
  document.documentElement.classList.add("live");
  slider.value = slider.min; // Browsers restore it on reload, and then the list is not whole.
  slider.oninput = filter;
  document.getElementById("export").onclick = exportNotes;
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea")) return;
    const at = current < 0 ? visible() : current;
    const act = {
      j: () => step(1), ArrowDown: () => step(1), k: () => step(-1), ArrowUp: () => step(-1),
      " ": () => play(at), f: () => judge(at, "keep"), d: () => judge(at, "discard"),
    }[event.key];
    // What nobody sees is not judged; filter() leaves no row where it hides all.
    if (!act || at < 0 || (event.key === " " && event.target.closest("button"))) return;
    event.preventDefault();
    act();
  });
  filter();
})();
