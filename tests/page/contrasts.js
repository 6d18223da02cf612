// Every text with the contrast to what it stands on, and every drawing and edge of a control likewise. Colours are
// those that the browser has worked out; what is half transparent is mixed.
// An entry each: what it is, its contrast, and what it must have at least.
const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
const rgba = (text) => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = text; canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data; return [r, g, b, a / 255];
};
const over = (top, below) => top.slice(0, 3).map((c, i) => c * top[3] + below[i] * (1 - top[3])).concat(1);
const parents = (one) => one.parentElement ? [one, ...parents(one.parentElement)] : [one];
const ground = (one) => parents(one).reverse().reduce(
    (below, parent) => over(rgba(getComputedStyle(parent).backgroundColor), below), [255, 255, 255, 1]);
const opacity = (one) => parents(one).reduce((all, parent) => all * getComputedStyle(parent).opacity, 1);
const light = (c) => { const [r, g, b] = c.map((v) => v / 255).map((v) => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
    return .2126 * r + .7152 * g + .0722 * b; };
const contrast = (colour, one, on) => {
    const [r, g, b, a] = rgba(colour), below = ground(on);
    const [x, y] = [light(over([r, g, b, a * opacity(one)], below)), light(below)].sort((p, q) => q - p);
    return (x + .05) / (y + .05);
};
const seen = (one) => one.getClientRects().length && getComputedStyle(one).visibility === 'visible';
const name = (one) => one.tagName.toLowerCase() + [...one.classList].map((c) => '.' + c).join('');
const found = [];
const note = (kind, least, colour, one, on) => found.push([`${kind} ${name(one)} ${colour}`, contrast(colour, one, on), least]);
const hasText = (one) => [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
for (const one of document.querySelectorAll('body *')) {
    if (!seen(one) || one.closest('script, title')) continue;
    const style = getComputedStyle(one), svg = one.closest('svg');
    if (hasText(one) && one.tagName !== 'METER') note('text', 4.5, svg ? style.fill : style.color, one, svg ? svg.parentElement : one);
    if (one.matches('.comment')) note('placeholder', 4.5, getComputedStyle(one, '::placeholder').color, one, one);
    if (one.matches('button, .comment')) note('edge', 3, style.borderTopColor, one, one.parentElement);
    if (one.matches('.alarm')) note('edge', 3, style.borderLeftColor, one, one);
    if (one.matches('svg :is(rect, circle, line):not(.base)')) {
        const inks = [style.fill, style.stroke].filter((ink) => ink !== 'none' && rgba(ink)[3]);
        const best = inks.sort((a, b) => contrast(b, one, svg.parentElement) - contrast(a, one, svg.parentElement))[0];
        note('drawing', 3, best, one, svg.parentElement);
    }
    if (one.matches('.key span')) {
        const dot = getComputedStyle(one, '::before');
        note('key', 3, rgba(dot.backgroundColor)[3] ? dot.backgroundColor : dot.borderTopColor, one, one);
    }
    if (one.matches('.play')) note('sign', 3, getComputedStyle(one, '::before').borderLeftColor, one, one);
}
return found;
