/* The list of styles, which all tabs share. */

import { listStyles } from "./api.js";
import { fail } from "./dom.js";

/**
 * `all`: each style has a `label` besides, which no other has: its title, and its name where two have
 * the same title.
 * @returns {{all: import("./api.js").Style[], anyPainting: boolean, training: boolean,
 *            took: Object<string, number>, loaded: boolean, refresh: function(): Promise<void>,
 *            onChange: function(function(): void): void, titleOf: function(string): string}}
 */
export function makeStyles() {
  const listeners = [];
  const styles = { all: [], anyPainting: false, training: false, took: {}, loaded: false };
  styles.titleOf = (name) => styles.all.find((style) => style.name === name)?.label || name;
  styles.onChange = (listener) => {
    listeners.push(listener);
    if (styles.loaded) listener();
  };
  styles.refresh = async () => {
    try {
      const answer = await listStyles();
      styles.all = labeled(answer.styles.map((style) => ({ ...style, title: style.title || style.name })));
      styles.anyPainting = answer.any_painting;
      styles.training = answer.training;
      styles.took = answer.took || {};
      styles.loaded = true;
      for (const listener of listeners) listener();
    } catch (error) {
      fail(error);
    }
  };
  return styles;
}

function labeled(all) {
  const isTwice = ({ title }) => all.filter((style) => style.title === title).length > 1;
  return all.map((style) => ({ ...style, label: isTwice(style) ? `${style.title} (${style.name})` : style.title }));
}
