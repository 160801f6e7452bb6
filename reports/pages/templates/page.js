// Draws the figures in place of their pictures; where that fails the pictures stay.
async function unpacked(text) {
  const bytes = Uint8Array.from(atob(text.trim()), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).text();
}

function mark(name) {
  document.querySelectorAll("tr.marked").forEach((row) => row.classList.remove("marked"));
  const rows = [...document.querySelectorAll("tr[data-name]")].filter((row) => row.dataset.name === name);
  rows.forEach((row) => {
    for (let place = row.parentElement; place; place = place.parentElement) {
      if (place.tagName === "DETAILS") place.open = true;
    }
    row.classList.add("marked");
  });
  if (rows.length) rows[rows.length - 1].scrollIntoView({ block: "nearest" });
}

async function draw() {
  const library = document.createElement("script");
  library.textContent = await unpacked(document.getElementById("library").textContent);
  document.head.append(library);
  for (const source of document.querySelectorAll("script[data-plot]")) {
    const place = document.getElementById(source.dataset.plot);
    const { data, layout } = JSON.parse(source.textContent);
    // A figure in a closed part has no width: it is drawn as that part opens.
    const show = async () => {
      place.closest("figure").classList.add("drawn");
      await Plotly.newPlot(place, data, layout, config);
      place.on("plotly_click", (event) => mark(event.points[0].id));
    };
    const closed = place.closest("details:not([open])");
    if (closed) closed.addEventListener("toggle", show, { once: true });
    else await show();
  }
  document.body.dataset.drawn = "yes";
}

if ("DecompressionStream" in window) draw();

// A closed list would be missing on paper.
window.addEventListener("beforeprint", () => {
  document.querySelectorAll("details").forEach((entry) => { entry.open = true; });
});
