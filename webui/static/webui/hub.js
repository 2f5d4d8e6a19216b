// What the pages do a little better with script; each of them works without it.
"use strict";

function addCopyButton(command) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "copy";
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(command.querySelector("code").textContent);
    button.textContent = "copied";
    setTimeout(() => { button.textContent = "copy"; }, 1500);
  });
  command.append(button);
}

function addCopyButtons(root) {
  if (!navigator.clipboard) return; // only pages of https and of this machine have one
  root.querySelectorAll(".command:not(:has(button))").forEach(addCopyButton);
}

function focusSearch(event) {
  const isTyping = event.target.matches("input, textarea, select") || event.ctrlKey || event.metaKey || event.altKey;
  if (event.key !== "/" || isTyping) return;
  event.preventDefault();
  document.querySelector(".search input").focus();
}

function closeMenus(event) {
  document.querySelectorAll("details.menu[open]").forEach((menu) => {
    if (event.key === "Escape" || (event.type === "click" && !menu.contains(event.target))) menu.open = false;
  });
}

document.addEventListener("keydown", focusSearch);
document.addEventListener("keydown", closeMenus);
document.addEventListener("click", closeMenus);
document.addEventListener("htmx:load", (event) => addCopyButtons(event.target));
addCopyButtons(document);
