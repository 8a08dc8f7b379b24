// Shows a page on a phone and on a screen, in light and in dark, and writes what is wrong with
// it and what it says into the body, as JSON. The test's own script defines check(d): what is
// wrong with this page alone.
const found = new Set();
const complain = (...words) => found.add(words.join(' '));
const brief = e => e.tagName + ' ' + e.textContent.trim().slice(0, 40);

// luminance and contrast as WCAG 2 defines them.
const luminance = c => c.match(/[\d.]+/g).slice(0, 3).map(v => v / 255)
	.map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
	.reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);

// background is that of the nearest element around e that has one.
function background(w, e) {
	for (; e; e = e.parentElement) {
		const color = w.getComputedStyle(e).backgroundColor;
		if (!/^rgba\(.*, 0\)$/.test(color)) return color;
	}
	return 'rgb(255, 255, 255)';
}

function contrast(w, d) {
	for (const e of d.querySelectorAll('p, td, th, li, dd, figcaption, text, code, em, summary, div > a')) {
		const style = w.getComputedStyle(e), ink = luminance(e.tagName == 'text' ? style.fill : style.color);
		const paper = luminance(background(w, e));
		const ratio = (Math.max(ink, paper) + .05) / (Math.min(ink, paper) + .05);
		if (ratio < 4.5) complain(brief(e), 'has a contrast of', ratio);
	}
}

async function inspect(page) {
	const papers = new Set();
	let text, pictures;
	for (const scheme of ['light', 'dark']) for (const width of [360, 1000]) {
		const frame = document.createElement('iframe');
		frame.style.cssText = `color-scheme: ${scheme}; width: ${width}px; height: 900px; border: 0`;
		frame.srcdoc = page;
		const loaded = new Promise(resolve => frame.onload = resolve);
		document.body.append(frame);
		await loaded;
		const w = frame.contentWindow, d = w.document, root = d.documentElement;
		contrast(w, d);
		check(d);
		if (root.scrollWidth > root.clientWidth)
			complain('the page is', root.scrollWidth, 'wide, the window', root.clientWidth);
		for (const e of w.performance.getEntriesByType('resource')) complain('the page requests', e.name);
		papers.add(w.getComputedStyle(d.body).backgroundColor);
		d.querySelectorAll('details').forEach(e => e.open = true);
		text = d.body.innerText + [...d.links].map(a => '\n' + a.href).join('');
		pictures = [...d.querySelectorAll('svg text')].map(e => e.textContent).join('\n');
	}
	if (papers.size != 2) complain('light and dark have the same paper');
	document.body.textContent = JSON.stringify({Found: [...found], Text: text, Pictures: pictures});
}
