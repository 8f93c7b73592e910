// What is wider than the page scrolls, and can be reached for that.
(() => {
  "use strict";
  function reachable() {
    for (const box of document.querySelectorAll(".right, .formula, .scroll, .arrays figure")) {
      if (box.scrollWidth > box.clientWidth) box.setAttribute("tabindex", "0");
      else box.removeAttribute("tabindex");
    }
  }
  reachable();
  addEventListener("resize", reachable);
})();
