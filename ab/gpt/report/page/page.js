'use strict';
(() => {
const $ = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const el = (tag, attributes = {}, ...children) => {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === 'on') for (const [event, act] of Object.entries(value)) made.addEventListener(event, act);
    else made.setAttribute(name, value === true ? '' : value);
  }
  made.append(...children.filter(child => child !== null && child !== undefined));
  return made;
};
const remembered = {
  get(key) { try { return localStorage.getItem('nncaption-' + key); } catch { return null; } },
  set(key, value) { try { localStorage.setItem('nncaption-' + key, value); } catch { /* a page from a file may not keep anything */ } },
};

// Light, dark, or as the system has it
const themes = ['automatic', 'light', 'dark'];
const themeButton = $('#theme');
const setTheme = theme => {
  if (theme === 'automatic') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  themeButton.textContent = 'Theme: ' + theme;
  remembered.set('theme', theme);
};
themeButton.addEventListener('click', () => {
  const now = document.documentElement.dataset.theme || 'automatic';
  setTheme(themes[(themes.indexOf(now) + 1) % themes.length]);
});
const kept = remembered.get('theme');
if (themes.includes(kept)) setTheme(kept);

$('#sources').addEventListener('click', event => {
  const shown = document.body.classList.toggle('sources');
  event.currentTarget.setAttribute('aria-pressed', String(shown));
});

// The table of networks
const {fields, rows, chunk: aChunk} = JSON.parse($('#data').textContent);
const networks = rows.map((row, place) => ({place, ...Object.fromEntries(fields.map((name, at) => [name, row[at]]))}));
const byRow = new Map(networks.map(network => [network.row, network]));
const short = value => {
  for (const [limit, unit] of [[1e9, ' G'], [1e6, ' M'], [1e4, ' k']]) {
    if (Math.abs(value) >= limit) return +(value / (limit === 1e4 ? 1e3 : limit)).toPrecision(3) + unit;
  }
  return value.toLocaleString('en');
};
const time = seconds => seconds < 120 ? +seconds.toPrecision(2) + ' s'
  : seconds < 7200 ? Math.round(seconds / 60) + ' min' : (seconds / 3600).toFixed(1) + ' h';
const score = value => value.toFixed(4);
const differs = name => new Set(networks.map(network => network[name])).size > 1; // else it is said once, under 'Made'
const has = name => networks.some(network => network[name] !== null && network[name] !== '' && network[name] !== 0);
const columns = [
  {name: 'title', label: 'Network', show: network => el('button', {type: 'button', class: 'link', 'data-network': network.row}, network.title)},
  differs('run') && {name: 'run', label: 'Run'},
  {name: 'outcome', label: 'Outcome', show: outcome},
  {name: 'bleu', label: "LEMUR's BLEU", write: score, row: network => network.epoch},
  {name: 'bleu4', label: 'BLEU-4', write: score, row: network => network.epoch},
  {name: 'parameters', label: 'Parameters', write: short},
  {name: 'seconds', label: 'Training', write: time},
  {name: 'tokens', label: 'Tokens', write: short},
  {name: 'cost', label: 'Cost', write: value => value.toFixed(4)},
  differs('model') && {name: 'model', label: 'Model'},
  differs('mode') && {name: 'mode', label: 'Mode'},
  {name: 'n', label: 'Snippets', write: String},
  {name: 'repairs', label: 'Repairs', write: String},
  {name: 'quality', label: 'Code quality', write: value => value.toFixed(2)},
  {name: 'decoder', label: 'Decoder'},
  {name: 'reason', label: 'Reason', long: true},
].filter(column => column && has(column.name));

function outcome(network) {
  const collapsed = network.collapsed === true;
  const kind = network.outcome === 'trained' ? (collapsed ? '' : 'good') : network.stage === null ? '' : 'bad';
  return el('span', {class: 'badge ' + kind}, network.outcome.replaceAll('_', ' ') + (collapsed ? ', collapsed' : ''));
}

const PAGE = 50;
const view = {sort: 'bleu', up: false, page: 0, shown: []};
const filters = {prefix: $('#by-prefix'), outcome: $('#by-outcome'), model: $('#by-model'), mode: $('#by-mode')};
for (const [name, select] of Object.entries(filters)) {
  const values = [...new Set(networks.map(network => network[name]))].filter(Boolean).sort();
  select.append(...values.map(value => el('option', {value}, value.replaceAll('_', ' '))));
  select.addEventListener('change', () => refresh(0));
  if (values.length < 2) select.parentElement.hidden = true;
  if (values.length < 2) select.parentElement.style.display = 'none';
}
$('#search').addEventListener('input', () => refresh(0));
$('#filters').addEventListener('submit', event => event.preventDefault());
$('#back').addEventListener('click', () => refresh(view.page - 1));
$('#next').addEventListener('click', () => refresh(view.page + 1));

const head = el('tr');
for (const column of columns) {
  const button = el('button', {type: 'button', on: {click: () => {
    view.up = view.sort === column.name ? !view.up : !column.write;
    view.sort = column.name;
    refresh(0);
  }}}, column.label);
  head.append(el('th', {scope: 'col', 'data-column': column.name, class: column.write ? 'num' : null}, button));
}
$('#table thead').append(head);

function refresh(page) {
  const words = $('#search').value.toLowerCase().split(/\s+/).filter(Boolean);
  view.shown = networks.filter(network => {
    for (const [name, select] of Object.entries(filters)) if (select.value && network[name] !== select.value) return false;
    if (!words.length) return true;
    const text = [network.title, network.name, network.row, network.prefix, network.model, network.outcome, network.stage,
      network.reason, network.decoder, network.run].join(' ').toLowerCase();
    return words.every(word => text.includes(word));
  });
  const sign = view.up ? 1 : -1;
  view.shown.sort((a, b) => {
    const x = a[view.sort], y = b[view.sort];
    const none = (x === null || x === '') - (y === null || y === '');
    if (none) return none;
    const order = typeof x === 'number' ? x - y : String(x).localeCompare(String(y), 'en', {numeric: true});
    return sign * order || a.place - b.place;
  });
  const pages = Math.max(1, Math.ceil(view.shown.length / PAGE));
  view.page = Math.min(Math.max(0, page), pages - 1);
  for (const th of head.children) {
    if (th.dataset.column === view.sort) th.setAttribute('aria-sort', view.up ? 'ascending' : 'descending');
    else th.removeAttribute('aria-sort');
  }
  const some = view.shown.slice(view.page * PAGE, (view.page + 1) * PAGE);
  $('#table tbody').replaceChildren(...some.map(line));
  $('#count').textContent = `${view.shown.length.toLocaleString('en')} of ${networks.length.toLocaleString('en')} networks`;
  $('#page').textContent = `page ${view.page + 1} of ${pages}`;
  $('#back').disabled = view.page === 0;
  $('#next').disabled = view.page >= pages - 1;
}

function line(network) {
  return el('tr', {'data-candidate': network.row}, ...columns.map((column, at) => {
    const value = network[column.name];
    const row = (column.row && column.row(network)) || network.row;
    const tag = at ? 'td' : 'th';
    const shape = {class: column.write ? 'num' : column.long ? 'long' : null, scope: at ? null : 'row'};
    if (column.show) return el(tag, shape, column.show(network));
    if (value === null || value === '') return el(tag, shape);
    if (!column.write) return el(tag, shape, String(value));
    return el(tag, shape, el('span', {class: 'n', 'data-row': row, title: 'rows: ' + row}, column.write(value)));
  }));
}
refresh(0);

// What is packed
const unpacked = new Map();
function unpack(id) {
  if (!unpacked.has(id)) {
    const bytes = Uint8Array.from(atob($('#' + id).textContent.trim()), char => char.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate'));
    unpacked.set(id, new Response(stream).json());
  }
  return unpacked.get(id);
}

// One network's details
const dialog = $('#network');
let current = null;
async function open(row, tab) {
  const network = byRow.get(row);
  if (!network) return;
  current = network;
  $('#network-h').textContent = network.title;
  $('#panel').textContent = 'Unpacking…';
  if (!dialog.open) dialog.showModal();
  $('#network-h').focus();
  history.replaceState(null, '', '#' + encodeURIComponent(network.row));
  neighbours();
  try {
    const [lines, baselines, chunk] = await Promise.all([
      unpack('lines'), unpack('baselines'), unpack('chunk-' + Math.floor(network.place / aChunk))]);
    if (current === network) show(network, chunk[network.place % aChunk], lines, baselines, tab);
  } catch (error) {
    $('#panel').textContent = 'The details cannot be unpacked by this browser: ' + error;
  }
}

function neighbours() {
  const at = view.shown.indexOf(current);
  $('#before').disabled = at <= 0;
  $('#after').disabled = at < 0 || at >= view.shown.length - 1;
}
const step = by => {
  const next = view.shown[view.shown.indexOf(current) + by];
  const tab = $('#tabs [aria-selected=true]');
  if (next) open(next.row, tab && tab.textContent);
};
$('#before').addEventListener('click', () => step(-1));
$('#after').addEventListener('click', () => step(1));
$('#close').addEventListener('click', () => dialog.close());
dialog.addEventListener('click', event => { if (event.target === dialog) dialog.close(); });
dialog.addEventListener('close', () => history.replaceState(null, '', location.pathname + location.search));

document.addEventListener('click', event => {
  const about = event.target.closest('[data-network]');
  if (about) open(about.dataset.network);
});

function show(network, details, lines, baselines, wanted) {
  const text = numbers => numbers ? numbers.map(number => lines[number]) : [];
  const base = text(baselines[details.base]);
  const code = text(details.code);
  const tabs = [
    ['Overview', () => overview(network, details, text)],
    code.length && ['Code', () => [codeBlock(code, 'Code')]],
    details.diff && ['Difference', () => difference(base, code, details)],
    (details.drawing || details.blueprint) && ['Architecture', () => [
      details.drawing && picture(text(details.drawing).join('\n')),
      details.blueprint && el('h3', {}, 'Blueprint'), details.blueprint && codeBlock(text(details.blueprint), 'Blueprint', plainly)]],
    details.replies.length && ['Prompts and replies', () => details.replies.flatMap(reply => conversation(reply, text))],
    details.log && ['Log', () => [block(text(details.log), 'Log')]],
  ].filter(Boolean);
  const select = at => {
    all('[role=tab]', $('#tabs')).forEach((tab, place) => {
      tab.setAttribute('aria-selected', String(place === at));
      tab.tabIndex = place === at ? 0 : -1;
    });
    $('#panel').setAttribute('aria-label', tabs[at][0]);
    $('#panel').replaceChildren(...tabs[at][1]().filter(Boolean));
    $('#panel').scrollTop = 0;
  };
  $('#tabs').replaceChildren(...tabs.map(([name], at) => el('button', {type: 'button', role: 'tab', 'aria-controls': 'panel', on: {
    click: () => select(at),
    keydown: event => {
      const to = {ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1}[event.key];
      if (to === undefined || !tabs[to]) return;
      event.preventDefault();
      select(to);
      $('#tabs').children[to].focus();
    },
  }}, name)));
  select(Math.max(0, tabs.findIndex(([name]) => name === wanted)));
}

function overview(network, details, text) {
  const parts = [el('dl', {class: 'pairs'}, ...details.about.flatMap(([label, value, row]) =>
    [el('dt', {}, label), el('dd', {'data-row': row, title: 'rows: ' + row}, value)]))];
  if (details.reason) parts.push(el('h3', {}, 'How it ended'), el('p', {}, details.reason));
  if (details.evidence) parts.push(block(text(details.evidence), 'Evidence'));
  if (details.notes.length) parts.push(el('h3', {}, 'Notes'), el('ul', {}, ...details.notes.map(note => el('li', {}, note))));
  if (details.curve) parts.push(el('h3', {}, 'Learning curve'), picture(text(details.curve).join('\n')), epochs(details.epochs));
  if (details.attempts.length) parts.push(el('h3', {}, 'At the gate'), ...details.attempts.map(attempt => gate(attempt, text)));
  return parts;
}

function epochs(list) {
  const names = ['Epoch', "LEMUR's BLEU", 'Low', 'High', 'BLEU-4', 'CIDEr-D', 'ROUGE-L', 'Distinct', 'Loss', 'Rate', 'Learning s', 'Evaluation s'];
  const used = names.map((_, at) => list.some(epoch => epoch[at + 1] !== null));
  const write = (value, at) => value === null ? '–' : at === 0 ? String(value) : at > 8 ? +value.toPrecision(3) + '' : value.toFixed(4);
  return el('div', {class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Table: epochs'}, el('table', {},
    el('thead', {}, el('tr', {}, ...names.filter((_, at) => used[at]).map(name => el('th', {scope: 'col', class: 'num'}, name)))),
    el('tbody', {}, ...list.map(([row, ...values]) => el('tr', {}, ...values.map((value, at) => used[at]
      ? el('td', {class: 'num'}, el('span', {class: 'n', 'data-row': row, title: 'rows: ' + row}, write(value, at))) : null))))));
}

function gate(attempt, text) {
  const title = (attempt.number ? `Repair ${attempt.number}` : 'The first reply') + (attempt.stage === 'passed' ? ' passed' : ` fell at ${attempt.stage}`)
    + (attempt.counts ? ', this one counts' : '');
  const smoke = attempt.smoke && attempt.smoke.parameters
    ? `The smoke run took ${time(attempt.smoke.seconds)} at ${attempt.smoke.side} px.` : '';
  return el('article', {class: 'card', 'data-row': attempt.row},
    el('h4', {}, title),
    attempt.extracted.length ? el('p', {class: 'muted'}, 'Taken from the reply by: ' + attempt.extracted.join(', ')) : null,
    attempt.fixes.length ? el('p', {class: 'muted'}, 'Fixed without asking: ' + attempt.fixes.join(', ')) : null,
    smoke ? el('p', {class: 'muted'}, smoke) : null,
    attempt.findings.length ? el('ul', {}, ...attempt.findings.map(finding => el('li', {},
      el('code', {}, finding.code), ` ${finding.severity}${finding.line !== '0' ? ', line ' + finding.line : ''}: ${finding.sentence} `,
      el('span', {class: 'muted'}, finding.advice),
      finding.evidence ? block(finding.evidence.split('\n'), 'Evidence') : null))) : null,
    attempt.code ? el('details', {}, el('summary', {}, 'Its code'), codeBlock(text(attempt.code), 'Code of this attempt')) : null);
}

function conversation(reply, text) {
  const title = reply.attempt ? `Repair ${reply.attempt}` : 'Proposal';
  return [
    el('h3', {'data-row': reply.row}, title),
    el('p', {class: 'muted'}, `${reply.model}: read ${reply.prompt_tokens.toLocaleString('en')} tokens, wrote ${reply.tokens.toLocaleString('en')} in ${time(reply.seconds)}, ended by ${reply.finish}`
      + (reply.left_out.length ? `; left out of the prompt: ${reply.left_out.join(', ')}` : '')),
    ...reply.prompt.map(([role, content]) => el('details', {}, el('summary', {}, `Prompt, ${role} (${content.length} lines)`), block(text(content), 'Prompt'))),
    el('h4', {}, 'Reply'), block(text(reply.text), 'Reply')];
}

// Drawings are made by the report, with every foreign text escaped
function picture(svg) {
  const drawn = new DOMParser().parseFromString(svg.replace('<svg ', '<svg xmlns="http://www.w3.org/2000/svg" '), 'image/svg+xml').documentElement;
  return el('figure', {}, el('div', {class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Drawing'}, document.importNode(drawn, true)));
}
const block = (lines, label) => el('pre', {tabindex: '0', 'aria-label': label}, lines.join('\n'));

// Code, lightly coloured
const TOKENS = /("""[\s\S]*?(?:"""|$)|'''[\s\S]*?(?:'''|$)|"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'?)|(#[^\n]*)|\b(False|None|True|and|as|assert|async|await|break|class|continue|def|del|elif|else|except|finally|for|from|global|if|import|in|is|lambda|nonlocal|not|or|pass|raise|return|try|while|with|yield)\b|\b(self|super|len|range|int|float|list|dict|set|tuple|isinstance|print|max|min|zip|enumerate)\b|\b(\d[\d_.]*(?:e[-+]?\d+)?)\b|(@[\w.]+)/g;
const KINDS = ['c-s', 'c-c', 'c-k', 'c-b', 'c-n', 'c-d'];
function coloured(lines) {
  const made = [[]];
  const put = (text, kind) => text.split('\n').forEach((part, at) => {
    if (at) made.push([]);
    if (part) made[made.length - 1].push(kind ? el('span', {class: kind}, part) : document.createTextNode(part));
  });
  const text = lines.join('\n');
  let last = 0;
  for (const found of text.matchAll(TOKENS)) {
    put(text.slice(last, found.index));
    put(found[0], KINDS[found.slice(1).findIndex(group => group !== undefined)]);
    last = found.index + found[0].length;
  }
  put(text.slice(last));
  return made;
}
const plainly = lines => lines.map(line => [document.createTextNode(line)]);
function codeBlock(lines, label, paint = coloured) {
  return el('pre', {class: 'code', tabindex: '0', 'aria-label': label}, ...paint(lines).map((parts, at) =>
    el('span', {class: 'line'}, el('span', {class: 'no', 'aria-hidden': 'true'}, String(at + 1)), ...parts)));
}

const AROUND = 3;
function difference(base, code, details) {
  const before = coloured(base), after = coloured(code);
  const pre = el('pre', {class: 'code', tabindex: '0', 'aria-label': 'Difference to ' + details.base});
  const put = (sign, number, parts, kind) => pre.append(el('span', {class: 'line ' + kind},
    el('span', {class: 'no', 'aria-hidden': 'true'}, String(number)), sign + ' ', ...parts));
  let added = 0, removed = 0;
  for (const [tag, from, to, start, end] of details.diff) {
    if (tag === 'e') {
      const length = to - from;
      const hidden = length > 3 * AROUND;
      for (let at = 0; at < length; at++) {
        if (hidden && at === AROUND) pre.append(el('span', {class: 'line gap'}, `⋯ ${length - 2 * AROUND} lines are the same`));
        if (!hidden || at < AROUND || at >= length - AROUND) put(' ', start + at + 1, after[start + at] || [], '');
      }
      continue;
    }
    for (let at = from; at < to; at++, removed++) put('−', at + 1, before[at] || [], 'del');
    for (let at = start; at < end; at++, added++) put('+', at + 1, after[at] || [], 'add');
  }
  return [el('p', {class: 'muted'}, `Against ${details.base}: ${added} lines added, ${removed} removed.`), pre];
}

const follow = () => {
  try { open(decodeURIComponent(location.hash.slice(1))); } catch { /* no address of ours */ }
};
window.addEventListener('hashchange', follow);
follow();
})();
