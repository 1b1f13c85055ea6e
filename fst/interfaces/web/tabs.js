/* The four tabs: arrow keys walk, the address keeps which one is open, Back goes to the one before. */

import { readHash, writeHash } from "./settings.js";

/**
 * @param {function(string): void} onOpen is told the name of the tab that opens.
 * @returns {{open: function(string): void, current: function(): string, begin: function(): void}}
 *     `begin()` opens the tab that the address names.
 */
export function makeTabs(onOpen) {
  const tabs = [...document.querySelectorAll('[role="tab"]')];
  const nameOf = (tab) => tab.id.replace("tab-", "");
  let current = "";

  const open = (name, { focus = false, isStep = true } = {}) => {
    const chosen = tabs.find((tab) => nameOf(tab) === name) || tabs[0];
    if (nameOf(chosen) === current) return;
    current = nameOf(chosen);
    for (const tab of tabs) {
      const selected = tab === chosen;
      tab.setAttribute("aria-selected", String(selected));
      tab.tabIndex = selected ? 0 : -1;
      document.getElementById(tab.getAttribute("aria-controls")).hidden = !selected;
    }
    if (focus) chosen.focus();
    document.title = `${chosen.textContent} · fst`;
    writeHash({ tab: current === "paint" ? null : current }, { isStep });
    onOpen(current);
  };

  for (const [at, tab] of tabs.entries()) {
    tab.addEventListener("click", () => open(nameOf(tab)));
    tab.addEventListener("keydown", (event) => {
      const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      open(nameOf(tabs[(to + tabs.length) % tabs.length]), { focus: true });
    });
  }
  const begin = () => open(readHash().tab || "paint", { isStep: false });
  window.addEventListener("hashchange", begin);
  return { open, begin, current: () => current };
}
