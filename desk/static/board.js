// The board sounds while somebody needs help or a case waits, and nobody here has said that they heard of it. Without script it shows all the same.
(function () {
  var bar = document.getElementById("sound");
  var button = document.getElementById("heard");
  var title = document.title;
  var heard = {};
  var Context = window.AudioContext || window.webkitAudioContext;
  var audio = Context ? new Context() : null;

  // Each row by what it rings for: one case may wait, and be heard of, and then need help.
  function unheard() {
    return Array.prototype.filter.call(document.querySelectorAll("[data-ring]"), function (row) {
      return !heard[row.getAttribute("data-ring")];
    });
  }

  function tone(at, pitch) {
    var voice = audio.createOscillator();
    var volume = audio.createGain();
    voice.frequency.value = pitch;
    volume.gain.value = 0.2;
    voice.connect(volume);
    volume.connect(audio.destination);
    voice.start(audio.currentTime + at);
    voice.stop(audio.currentTime + at + 0.25);
  }

  function look() {
    var codes = unheard().map(function (row) { return row.getAttribute("data-code"); }).filter(function (code, n, all) {
      return all.indexOf(code) === n;
    });
    var blocked = !audio || audio.state !== "running";
    bar.hidden = !codes.length;
    bar.setAttribute("data-state", !codes.length ? "silent" : blocked ? "blocked" : "sounding");
    bar.className = blocked ? "sound blocked" : "sound";
    var words = (blocked ? bar.getAttribute("data-blocked") : bar.getAttribute("data-heard")) + " · " + codes.join(" ");
    if (button.textContent !== words) button.textContent = words;
    document.title = codes.length ? "(" + codes.length + ") " + bar.getAttribute("data-title") + " · " + title : title;
    if (codes.length && !blocked) { tone(0, 880); tone(0.35, 660); }
  }

  button.addEventListener("click", function () {
    if (audio && audio.state !== "running") { // the first press switches the sound on, the next one says it was heard
      audio.resume().then(look, look);
      return;
    }
    unheard().forEach(function (row) { heard[row.getAttribute("data-ring")] = true; });
    look();
  });
  setInterval(look, 2000);
  look();
})();
