"use strict";
// The arrow keys move among the days of the calendar that have data.
(() => {
  const days = [...document.querySelectorAll(".heat a")];
  const stop = days.find((day) => day.tabIndex === 0) || days[days.length - 1];
  if (!stop) return;
  const heat = document.querySelector(".heat");
  heat.scrollLeft = stop.querySelector("rect").getBoundingClientRect().right - heat.getBoundingClientRect().right + 40;
  const by = { ArrowLeft: -7, ArrowRight: 7, ArrowUp: -1, ArrowDown: 1 };
  const after = (date, count) => new Date(Date.parse(`${date}T00:00:00Z`) + count * 86400000).toISOString().slice(0, 10);
  heat.addEventListener("keydown", (event) => {
    const here = event.target.closest("a");
    if (!by[event.key] || !here) return;
    event.preventDefault();
    // The next one in this direction, over days without data.
    for (let date = after(here.dataset.date, by[event.key]), i = 0; i < 60; i += 1, date = after(date, by[event.key])) {
      const next = days.find((day) => day.dataset.date === date);
      if (!next) continue;
      here.tabIndex = -1;
      next.tabIndex = 0;
      return next.focus();
    }
  });
})();
