"use strict";
// Three things that work without scripts too, only less well.

// AWS's launch links keep what they ask for behind the `#`, which no server sees: it becomes the query.
function openLaunchLink() {
  const mark = "#/stacks/quickcreate?";
  if (location.pathname !== "/console/cloudformation/home") return;
  if (!location.hash.startsWith(mark)) return;
  const region = new URLSearchParams(location.search).get("region");
  const asked = new URLSearchParams(location.hash.slice(mark.length));
  if (region) asked.append("region", region);
  location.replace("/console/quickcreate?" + asked);
}

function offerCopying() {
  for (const button of document.querySelectorAll("button[data-copy]")) {
    if (!navigator.clipboard) continue;
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
      button.textContent = "Copied";
    });
  }
}

// A file fills the field beside it, which can also be pasted into.
function offerFiles() {
  for (const part of document.querySelectorAll("[data-file-for]")) {
    part.hidden = false;
    part.querySelector("input").addEventListener("change", async (event) => {
      const [file] = event.target.files;
      if (file) document.getElementById(part.dataset.fileFor).value = await file.text();
    });
  }
}

openLaunchLink();
offerCopying();
offerFiles();
