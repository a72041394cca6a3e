"use strict";
for (const button of document.querySelectorAll("button.save")) {
  const figure = button.closest("figure");
  button.hidden = false;
  button.addEventListener("click", () => {
    const image = figure.querySelector("img");
    const canvas = document.createElement("canvas");
    canvas.width = 3 * image.naturalWidth;  // fills a slide
    canvas.height = 3 * image.naturalHeight;
    const drawn = canvas.getContext("2d");
    drawn.fillStyle = "white";
    drawn.fillRect(0, 0, canvas.width, canvas.height);
    drawn.drawImage(image, 0, 0, canvas.width, canvas.height);
    const link = document.createElement("a");
    link.download = `${figure.getAttribute("aria-label") ?? document.title}.png`;
    link.href = canvas.toDataURL();
    link.click();
  });
}
