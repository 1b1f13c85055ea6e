/* Runs before anything is drawn, which modules can't: who chose dark colors sees no flash of light. */
try {
  const theme = JSON.parse(localStorage.getItem("fst.theme"));
  if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;
} catch {
  // no storage: the system's choice
}
// the token is a cookie by now: nobody shall find it in the history, or in a link that is copied
if (location.search) history.replaceState(null, "", location.pathname + location.hash);
