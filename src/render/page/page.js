"use strict";
(() => {
  // Laughs, then rejected ones and sounds that do not count (both without a peak), in the order of the rows; rows that are
  // added come last.
  const laughs = JSON.parse(document.getElementById("laughs").textContent);
  const { days, recordings } = JSON.parse(document.getElementById("recordings").textContent);
  const rows = [...document.querySelectorAll(".laughs > li")];
  if (!document.querySelector(".controls")) return; // Nothing was analyzed.
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
    const value = { ...before, ...change, at, ...(laugh.added && { added: laugh.added }) };
    memory.set(key(laugh), value);
    document.dispatchEvent(new CustomEvent("giggles:review", { detail: { laugh, value, isText: "comment" in change } }));
    try { localStorage.setItem(key(laugh), JSON.stringify(value)); } catch { /* Private windows have no storage; the export still contains the review. */ }
  };

  const reviewText = (review) => [[review.favourite && "favourite", review.verdict].filter(Boolean).join(", "), review.comment]
    .filter(Boolean).join(": ");
  const show = (i) => {
    const review = load(laughs[i]);
    const row = rows[i];
    row.querySelector(".confirm").setAttribute("aria-pressed", String(review.verdict === "confirmed"));
    row.querySelector(".reject").setAttribute("aria-pressed", String(review.verdict === "rejected"));
    row.querySelector(".favourite").setAttribute("aria-pressed", String(Boolean(review.favourite)));
    row.classList.toggle("rejected", review.verdict === "rejected");
    marks.get(i)?.classList.toggle("out", review.verdict === "rejected");
    // Shown in print, where the buttons are hidden.
    row.querySelector(".review bdi").textContent = reviewText(review);
    if (document.activeElement !== row.querySelector(".comment")) row.querySelector(".comment").value = review.comment || "";
  };
  // Rejected laughs do not count, as in the database once the reviews are imported.
  const count = () => {
    const deciding = laughs.filter((laugh) => laugh.decides);
    const number = document.getElementById("number");
    if (!deciding.length) return;
    const counted = deciding.filter((laugh) => load(laugh).verdict !== "rejected").length;
    number.textContent = String(counted);
    number.nextElementSibling.textContent = counted === 1 ? "laugh" : "laughs";
  };
  // The server has the review, or refused it: what is stored is shown again, unless it was changed since.
  const answered = ({ detail: { laugh, value, isStored } }) => {
    if (load(laugh).at !== value.at) return;
    if (isStored) laugh.review = value;
    memory.delete(key(laugh));
    try { localStorage.removeItem(key(laugh)); } catch { /* Private window. */ }
    const i = laughs.indexOf(laugh);
    if (laugh.added && !laugh.review) rows[i].hidden = true;
    show(i);
    count();
  };
  const setVerdict = (i, verdict) => {
    save(laughs[i], { verdict: load(laughs[i]).verdict === verdict ? null : verdict });
    show(i);
    count();
  };

  const setFavourite = (i) => {
    save(laughs[i], { favourite: !load(laughs[i]).favourite });
    show(i);
  };

  const stop = (isOver) => {
    player.pause();
    if (playing !== null) document.dispatchEvent(new CustomEvent("giggles:stop", { detail: { row: rows[playing], isOver: isOver === true } }));
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
      if (part === sounds.length) return stop(true);
      document.dispatchEvent(new CustomEvent("giggles:play", { detail: { row: rows[i], part, player } }));
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

  const isVisible = (row) => !row.hidden && !row.closest("details:not([open])");
  const visible = () => rows.findIndex(isVisible);
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
    for (let i = current + by; i >= 0 && i < rows.length; i += by) if (isVisible(rows[i])) return move(i);
  };

  const filter = () => {
    const from = Number(slider.value);
    const counted = rows.filter((row, i) => laughs[i].peak !== null);
    counted.forEach((row, i) => { // They come first.
      row.hidden = laughs[i].peak < from;
      marks.get(i)?.classList.toggle("off", row.hidden);
    });
    const shown = counted.filter((row) => !row.hidden).length;
    if (playing !== null && rows[playing].hidden) stop(); // Its button is hidden.
    if (rows[current]?.hidden) select(visible()); else setTabStop(current < 0 ? visible() : current);
    document.getElementById("from").textContent = from.toFixed(2);
    document.getElementById("shown").textContent = `${shown} of ${counted.length} shown`;
  };

  const lines = () => laughs.map((laugh) => [laugh, load(laugh)])
    .filter(([, review]) => review.at) // Also withdrawn reviews: they may be stored.
    .flatMap(([laugh, review]) => laugh.parts.map((part) => JSON.stringify({
      source: laugh.source, ...part, verdict: review.verdict || null, comment: review.comment || null, favourite: Boolean(review.favourite),
      at: review.at,
    }) + "\n")).join(""); // One line per part: each has its own row in the database.
  const exportReviews = () => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([lines()], { type: "application/x-ndjson" }));
    link.download = `giggles-reviews-${(laughs[0]?.starts_at || days[0].date).slice(0, 10)}.jsonl`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  };

  const wire = (row, i) => {
    row.querySelector(".verdict").hidden = false;
    row.querySelector(".confirm").onclick = () => setVerdict(i, "confirmed");
    row.querySelector(".reject").onclick = () => setVerdict(i, "rejected");
    row.querySelector(".favourite").onclick = () => setFavourite(i);
    row.querySelector(".comment").oninput = (event) => { save(laughs[i], { comment: event.target.value.trim() || null }); show(i); };
    const button = row.querySelector(".play");
    if (button) { button.hidden = false; button.onclick = () => play(i); }
    row.addEventListener("focusin", () => { if (current !== i) select(i); });
    marks.get(i)?.addEventListener("click", () => { if (!row.hidden) move(i); });
    show(i);
  };
  rows.forEach(wire);
  count();

  // Laughs that were missed: confirmed stretches of a recording.
  const form = document.getElementById("missed");
  const two = (number) => String(Math.floor(number)).padStart(2, "0");
  const duration = (seconds) => `${Math.floor(seconds / 3600)}:${two(seconds / 60 % 60)}:${two(seconds % 60)}`;
  const inSpan = (span, ms) => Date.parse(span.from) <= ms && ms < Date.parse(span.to);
  const clock = (ms) => {
    const spans = days.flatMap((day) => day.offsets);
    const offset = (spans.find((span) => inSpan(span, ms)) || spans[0]).seconds;
    return new Date(ms + offset * 1000).toISOString().slice(11, 19);
  };
  const partsOf = (text) => (/^\d+(:[0-5]?\d){0,2}(\.\d+)?$/.test(text) ? text.split(":").map(Number) : null);
  const sum = (parts) => parts.reduce((seconds, part) => seconds * 60 + part, 0);
  // The instants of a local time: two if clocks are set back, none if they skip it.
  const instants = (day, seconds) => day.offsets
    .map((span) => [span, Date.parse(`${day.date}T00:00:00Z`) + (seconds - span.seconds) * 1000])
    .filter(([span, ms]) => inSpan(span, ms)).map(([, ms]) => ms);
  const overlapping = (content, start, end) => laughs.findIndex((laugh) => laugh.parts.some(
    (part) => part.content_sha256 === content && part.start_seconds < end && start < part.end_seconds));

  // The recording and the offset in it that the form names, or what is wrong.
  const placed = (place, text, length) => {
    const parts = partsOf(text.trim().replace(",", "."));
    const [kind, index] = place.split(" ");
    if (!parts || !(length > 0) || (kind === "day" && (parts.length < 2 || parts[0] > 23))) return { wrong: "This is not a time of that form." };
    if (kind === "day") {
      const ms = instants(days[index], sum(parts.length === 2 ? [...parts, 0] : parts));
      const starts = recordings.filter((recording) => recording.day === Number(index))
        .flatMap((recording) => ms.map((at) => [recording, (at - Date.parse(recording.started_at)) / 1000]));
      const found = starts.find(([recording, start]) => start >= 0 && start < recording.seconds);
      return found ? { recording: found[0], start: found[1] } : { wrong: "No analyzed recording of this day has that time." };
    }
    return { recording: recordings[index], start: sum(parts) };
  };
  const checked = ({ wrong, recording, start }, length) => {
    if (wrong) return { wrong };
    const end = start + length;
    if (end > recording.seconds) return { wrong: `It would end after ${recording.name}, which is ${duration(recording.seconds)} long.` };
    const isMissing = recording.missing.some(([from, to]) => from < end && start < (to ?? Infinity));
    if (isMissing) return { wrong: `That part of ${recording.name} was not analyzed.` };
    return { recording, start: Math.round(start * 1000) / 1000, end: Math.round(end * 1000) / 1000 };
  };
  const addRow = (added) => {
    const i = laughs.length;
    const { source, ...part } = added;
    const row = document.getElementById("added").content.firstElementChild.cloneNode(true);
    const when = clock(Date.parse(added.starts_at));
    row.id = `laugh-${i}`;
    row.querySelector("time").dateTime = added.starts_at;
    row.querySelector("time").textContent = when;
    row.querySelector(".what span").textContent = `${(added.end_seconds - added.start_seconds).toFixed(1)} s`;
    row.querySelector(".what bdi").textContent = added.recording;
    row.querySelectorAll(".verdict [aria-label]").forEach((one) => one.setAttribute("aria-label", one.getAttribute("aria-label") + when));
    document.querySelector("#uncounted ol").append(row);
    document.getElementById("uncounted").hidden = false;
    laughs.push({ ...added, parts: [part], peak: null, audio: [], review: null, added });
    rows.push(row);
    return i;
  };
  const addMissed = () => {
    const length = Number(document.getElementById("length").value);
    const place = document.getElementById("place").value;
    const { wrong, recording, start, end } = checked(placed(place, document.getElementById("at").value, length), length);
    if (wrong) return wrong;
    const there = overlapping(recording.content_sha256, start, end);
    if (there >= 0) return `The sound at ${clock(Date.parse(laughs[there].starts_at))} is there already: judge that one.`;
    const starts_at = new Date(Date.parse(recording.started_at) + start * 1000).toISOString();
    const { name, content_sha256 } = recording;
    const i = addRow({ source: days[recording.day].source, recording: name, content_sha256, start_seconds: start, end_seconds: end, starts_at });
    save(laughs[i], { verdict: "confirmed" });
    wire(rows[i], i);
    filter();
    return `Added at ${clock(Date.parse(starts_at))} in ${name}, as a laugh.${document.getElementById("export") ? " Export reviews to store it." : ""}`;
  };
  // Those that were added before in this browser and are not stored yet.
  const restoreAdded = () => {
    let names = [];
    try { names = Object.keys(localStorage).filter((name) => name.startsWith("giggles:")); } catch { /* Private window. */ }
    for (const name of names.sort()) {
      let value = null;
      try { value = JSON.parse(localStorage.getItem(name)); } catch { /* Not ours. */ }
      const added = value?.added;
      if (!added || !(value.verdict || value.comment)) continue;
      const isHere = recordings.some((recording) => recording.content_sha256 === added.content_sha256
        && days[recording.day].source === added.source
        && days[recording.day].offsets.some((span) => inSpan(span, Date.parse(added.starts_at))));
      // Once it is stored, it belongs to the row that it overlaps.
      const there = overlapping(added.content_sha256, added.start_seconds, added.end_seconds);
      if (!isHere || (there >= 0 && Date.parse(load(laughs[there]).at) >= Date.parse(value.at))) continue;
      const i = addRow(added);
      wire(rows[i], i);
    }
  };
  const option = (value, text) => {
    const one = document.createElement("option");
    one.value = value;
    one.textContent = text;
    return one;
  };
  const setUpForm = () => {
    const [place, help] = [document.getElementById("place"), document.getElementById("form-of-time")];
    place.append(...days.map((day, i) => option(`day ${i}`, days.length > 1 ? `${day.date} ${day.source}, by time of day` : "the day, by time of day")));
    place.append(...recordings.map((recording, i) => option(`recording ${i}`, recording.name)));
    place.onchange = () => {
      help.textContent = place.value.startsWith("day") ? "At: the time of day, such as 14:03:20." : "At: the time from the start of the recording, such as 1:02:03 or 0:45.";
    };
    place.onchange();
    form.onsubmit = (event) => {
      event.preventDefault();
      document.getElementById("answer").textContent = addMissed();
    };
    form.closest("details").hidden = false;
    restoreAdded();
  };
  if (form) setUpForm();
  document.querySelector(".controls").hidden = false;
  document.documentElement.classList.add("live");
  slider.value = slider.min; // Browsers restore the value on reload, which would filter the list.
  slider.oninput = filter;
  document.getElementById("export")?.addEventListener("click", exportReviews);
  document.addEventListener("giggles:answered", answered);
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select")) return;
    const at = current < 0 ? visible() : current;
    const act = {
      j: () => step(1), ArrowDown: () => step(1), k: () => step(-1), ArrowUp: () => step(-1),
      " ": () => play(at), y: () => setVerdict(at, "confirmed"), n: () => setVerdict(at, "rejected"), f: () => setFavourite(at),
    }[event.key];
    // Hidden rows do not react to keys; `at` is -1 if all rows are hidden.
    if (!act || at < 0 || (event.key === " " && event.target.closest("button, summary"))) return;
    event.preventDefault();
    act();
  });
  filter();
})();
