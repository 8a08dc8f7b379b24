// What can be wrong with a page of the benchmark (internal/testkit/inspect.js).

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

// notes: each picture and table says what KVM would change.
function notes(d) {
	const pictures = 'figure:not(.phases), figure.phases:not(:has(+ figure))';
	for (const e of d.querySelectorAll(pictures))
		if (!e.nextElementSibling.textContent.includes('With KVM')) complain(brief(e), 'has no note');
	for (const e of d.querySelectorAll('section:has(figure) details'))
		if (!e.querySelector('.note').textContent.includes('With KVM')) complain(brief(e), 'has no note');
}

function check(d) {
	overlaps(d);
	notes(d);
}
