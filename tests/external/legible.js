// What keeps a person from reading the artifact on this page: [] if nothing does.
(() => {
  const whole = [...document.querySelectorAll('h2')].map(one => one.parentElement)
    .find(one => one.innerText.includes('As of'));
  const channel = part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  const luminance = rgb => [0.2126, 0.7152, 0.0722].reduce((sum, share, at) => sum + share * channel(rgb[at] / 255), 0);
  // Chromium computes colours in whatever space they are written in: a canvas makes sRGB of them.
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const rgba = colour => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (top, below) => [0, 1, 2].map(at => top[at] * top[3] + below[at] * (1 - top[3]));
  const behind = one => {
    const layers = [];
    for (let at = one; at; at = at.parentElement) layers.push(rgba(getComputedStyle(at).backgroundColor));
    return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255]);
  };
  const contrast = one => {
    const ground = behind(one);
    const [dark, light] = [over(rgba(getComputedStyle(one).color), ground), ground].map(luminance).sort((a, b) => a - b);
    return (light + 0.05) / (dark + 0.05);
  };
  const needed = one => {
    const style = getComputedStyle(one), size = parseFloat(style.fontSize), bold = parseInt(style.fontWeight) >= 700;
    return size >= 24 || (bold && size >= 18.66) ? 3 : 4.5;
  };
  const found = [];
  if (document.documentElement.scrollWidth > innerWidth) found.push('the page scrolls sideways');
  for (const one of [whole, ...whole.querySelectorAll('*')]) {
    const words = [...one.childNodes].filter(node => node.nodeType === 3 && node.data.trim()).map(node => node.data);
    const is_output = one.closest('pre');  // a terminal's lines are as long as they are, and scroll in their own block
    if (!is_output && one.getBoundingClientRect().right > innerWidth + 0.5) found.push(`cut off: ${one.outerHTML.slice(0, 120)}`);
    if (!is_output && one.scrollWidth > one.clientWidth + 1 && one.clientWidth) found.push(`too wide: ${one.outerHTML.slice(0, 120)}`);
    if (words.length && contrast(one) < needed(one)) found.push(`${contrast(one).toFixed(2)}:1 of ${needed(one)}: ${words.join(' ').slice(0, 80)}`);
  }
  for (const image of whole.querySelectorAll('img')) {
    if (!image.complete || !image.naturalWidth || !image.alt) found.push('an image does not show, or has no words');
  }
  return found;
})()
