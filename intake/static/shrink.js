// The page works without this: it makes a picture smaller on the phone before it is sent.
(() => {
  const LONGEST = 1600;
  const input = document.querySelector("input[type=file]");
  const form = input?.form;
  if (!form || !window.createImageBitmap || !window.DataTransfer) return;

  const shrink = async (file) => {
    const picture = await createImageBitmap(file);
    const scale = Math.min(1, LONGEST / Math.max(picture.width, picture.height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(picture.width * scale);
    canvas.height = Math.round(picture.height * scale);
    const pen = canvas.getContext("2d");
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.drawImage(picture, 0, 0, canvas.width, canvas.height);
    const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.85));
    const box = new DataTransfer();
    box.items.add(new File([blob], "screenshot.jpg", { type: "image/jpeg" }));
    input.files = box.files;
  };

  let sending = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (sending) return;
    sending = true;
    try {
      await shrink(input.files[0]);
    } catch {
      // sent as it is: the server says what is wrong with it
    }
    form.submit();
  });
  addEventListener("pageshow", () => { sending = false; });
})();
