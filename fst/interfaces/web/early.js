/* Runs before anything is drawn, which modules can't: who chose dark colors sees no flash of light. */
try {
  const theme = JSON.parse(localStorage.getItem("fst.theme"));
  if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;
} catch {
  // no storage: the system's choice
}
