// What can be wrong with the page of a plan (internal/testkit/inspect.js).

// apart complains of boxes that overlap the next one.
function apart(boxes, after, before) {
	for (let i = 1; i < boxes.length; i++) {
		const a = boxes[i - 1].getBoundingClientRect(), b = boxes[i].getBoundingClientRect();
		if (a[after] > b[before] + 1) complain(brief(boxes[i - 1]), 'overlaps', brief(boxes[i]));
	}
}

function check(d) {
	for (const lane of d.querySelectorAll('.lane > div')) apart([...lane.children], 'right', 'left');
	for (const part of d.querySelectorAll('.part')) apart([...part.children], 'bottom', 'top');
	for (const a of d.links)
		if (!d.getElementById(a.hash.slice(1))) complain(brief(a), 'leads nowhere:', a.hash);
	for (const e of d.querySelectorAll('.lane a, .process, .bar i'))
		if (d.defaultView.getComputedStyle(e).printColorAdjust != 'exact')
			complain(brief(e), 'is printed without its background');
	const reached = [...d.querySelectorAll('a, summary')].filter(e => e.tabIndex >= 0).length;
	if (reached != d.querySelectorAll('a, summary').length) complain('only', reached, 'are reached by the Tab key');
	if (new Set([...d.querySelectorAll('[id]')].map(e => e.id)).size != d.querySelectorAll('[id]').length)
		complain('two elements have the same id');
}
