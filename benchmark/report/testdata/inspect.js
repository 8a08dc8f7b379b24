// Shows the page on a phone and on a screen, in light and in dark, and writes
// what is wrong with it and what it says into the body, as JSON.
const found = new Set();
const complain = (...words) => found.add(words.join(' '));
const brief = e => e.tagName + ' ' + e.textContent.trim().slice(0, 40);

// overlaps: texts that overlap or leave their picture; pictures of nothing.
function overlaps(d) {
	for (const svg of d.querySelectorAll('figure > svg, .bar')) {
		const frame = svg.getBoundingClientRect();
		if (frame.width < 5 || frame.height < 5 || !svg.querySelector('circle, rect, span')) complain(svg.id, 'is empty');
		const texts = [...svg.querySelectorAll('text')].map(t => [t.textContent, t.getBoundingClientRect()]);
		texts.forEach(([a, r], i) => {
			if (r.left < frame.left - 1 || r.right > frame.right + 1 || r.bottom > frame.bottom + 1)
				complain(svg.id, a, 'leaves the picture');
			for (const [b, s] of texts.slice(i + 1))
				if (r.left < s.right - 1 && s.left < r.right - 1 && r.top < s.bottom - 2 && s.top < r.bottom - 2)
					complain(svg.id, a, 'overlaps', b);
		});
	}
}

// luminance and contrast as WCAG 2 defines them.
const luminance = c => c.match(/[\d.]+/g).slice(0, 3).map(v => v / 255)
	.map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
	.reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);

function contrast(w, d) {
	for (const e of d.querySelectorAll('p, td, th, li, dd, figcaption, text')) {
		const style = w.getComputedStyle(e), ink = luminance(e.tagName == 'text' ? style.fill : style.color);
		const paper = luminance(w.getComputedStyle(e.closest('.warning, .keys li') ?? d.body).backgroundColor);
		const ratio = (Math.max(ink, paper) + .05) / (Math.min(ink, paper) + .05);
		if (ratio < 4.5) complain(brief(e), 'has a contrast of', ratio);
	}
}

// notes: each picture and table says what KVM would change.
function notes(d) {
	const pictures = 'figure:not(.phases), figure.phases:not(:has(+ figure))';
	for (const e of d.querySelectorAll(pictures))
		if (!e.nextElementSibling.textContent.includes('With KVM')) complain(brief(e), 'has no note');
	for (const e of d.querySelectorAll('section:has(figure) details'))
		if (!e.querySelector('.note').textContent.includes('With KVM')) complain(brief(e), 'has no note');
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
		overlaps(d);
		contrast(w, d);
		notes(d);
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
