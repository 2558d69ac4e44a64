// What the pages show.
const element = (id) => document.getElementById(id);
const percent = (share) => `${(100 * share).toFixed(1)} %`;

/** Shows what is known of a training, part by part. */
export function show({ backend, learning, result, error }) {
  if (backend) element('backend').textContent = backend;
  if (learning) {
    const { done, loss, accuracy, imagesPerSecond } = learning;
    document.querySelector('progress').value = done;
    element('learning').textContent =
      `loss ${loss.toFixed(3)}, ${percent(accuracy)} right, ${Math.round(imagesPerSecond)} pictures a second`;
  }
  if (result) {
    isDone = true;
    element('result').textContent =
      `${percent(result.accuracy)} right, after ${result.seconds.toFixed(1)} seconds of learning`;
    element('shapes').replaceChildren(...result.tried.map(figure));
  }
  if (error) {
    isDone = true;
    element('result').textContent = error;
  }
}

function figure({ pixels, side, is, seen }) {
  const canvas = Object.assign(document.createElement('canvas'), { width: side, height: side });
  const image = new ImageData(side, side);
  pixels.forEach((grey, i) => image.data.set([grey, grey, grey, 255], 4 * i));
  canvas.getContext('2d').putImageData(image, 0, 0);
  const caption = Object.assign(document.createElement('figcaption'), { textContent: seen });
  const whole = Object.assign(document.createElement('figure'), { className: is === seen ? '' : 'wrong' });
  whole.append(canvas, caption);
  return whole;
}

let isDone = false;
let longest = 0;
let last = Infinity;
requestAnimationFrame(function frame(now) {
  longest = Math.max(longest, now - last);
  last = now;
  element('wait').textContent = `${Math.round(longest)} ms`;
  if (!isDone) requestAnimationFrame(frame);
});
