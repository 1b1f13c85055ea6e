/* The page begins here: the frame, then the tab that is open. A tab's code comes when it is opened. */

import { byId, fail } from "./dom.js";
import { makeStyles } from "./styles.js";
import { makeTabs } from "./tabs.js";
import { startTheme } from "./theme.js";

/* Each module has `start(panel, shared)`, which may return `{shown(), hidden()}`. */
const TABS = {
  paint: () => import("./paint.js"),
  live: () => import("./live.js"),
  train: () => import("./train.js"),
  compare: () => import("./compare.js"),
};

const started = {};
const shared = { styles: makeStyles(), paintWith };
let shown = "";

/* Another tab's "paint with it". */
async function paintWith(style) {
  tabs.open("paint");
  (await started.paint)?.choose?.(style);
}

async function open(name) {
  const left = started[shown];
  shown = name;
  // before anything is waited for: paintWith asks for it at once
  started[name] ??= TABS[name]().then(({ start }) => start(byId(`panel-${name}`), shared));
  (await left)?.hidden?.();
  try {
    (await started[name])?.shown?.();
  } catch (error) {
    delete started[name];
    fail(error);
  }
}

/* A file that misses its place would replace the page. */
for (const name of ["dragover", "drop"]) document.addEventListener(name, (event) => event.preventDefault());

/* Its address would take the place of the settings. */
document.querySelector(".skip-link").addEventListener("click", (event) => {
  event.preventDefault();
  byId("main").focus();
});

startTheme();
const tabs = makeTabs(open);
tabs.begin();
shared.styles.refresh();
