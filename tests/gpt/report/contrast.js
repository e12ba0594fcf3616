// Texts whose colour is too near to what is behind them, with their ratio: below 4.5 is too near.
(() => {
  const parse = text => { const [r, g, b, a = 1] = (text.match(/[\d.]+/g) || [0, 0, 0, 0]).map(Number); return [r, g, b, a]; };
  const over = (top, below) => top.slice(0, 3).map((value, at) => value * top[3] + below[at] * (1 - top[3]));
  const light = colour => colour.map(value => value / 255).map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
    .reduce((sum, v, at) => sum + v * [.2126, .7152, .0722][at], 0);
  const ground = node => {
    const layers = [];
    for (let at = node; at; at = at.parentElement) layers.push(parse(getComputedStyle(at).backgroundColor));
    return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255]);
  };
  const bad = [];
  const walker = document.createTreeWalker(document.querySelector('#network').open ? document.querySelector('#network') : document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || !node.checkVisibility() || node.closest('script, style, title, desc, option, .hidden, .skip')) continue;
    if (node.closest(':disabled')) continue;
    const style = getComputedStyle(node), drawn = node instanceof SVGElement;
    const behind = ground(node), front = over(parse(drawn ? style.fill : style.color), behind);
    const [high, low] = [light(front), light(behind)].sort((a, b) => b - a);
    const ratio = (high + .05) / (low + .05);
    if (ratio < 4.5) bad.push([ratio.toFixed(2), node.tagName, node.className.baseVal ?? node.className, walker.currentNode.textContent.trim().slice(0, 40)]);
  }
  return bad;
})()
