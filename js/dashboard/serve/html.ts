// The document of the page: its frame without a number in it, and the headers that say what it may do. No text of a stream is ever in it.

import type { PageFiles } from './files.js'

/** Of every answer. The page runs its own script alone, and can make no markup out of text. */
export const HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
}

/** `token`: empty where nothing can be aborted. It is made of letters, digits, `-` and `_`. */
export function html({ script, style }: PageFiles, token: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="velo-token" content="${token}">
<title>velo-stream</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="${style.name}" integrity="${style.integrity}">
<script type="module" src="${script.name}" integrity="${script.integrity}"></script>
</head>
<body>
<header class="bar">
<h1 id="title">velo-stream</h1>
<p id="about" class="about"></p>
<p id="link" class="link" role="status" data-state="connecting">connecting</p>
<button id="pause" type="button" aria-pressed="false" title="Pause (p)">Pause</button>
</header>
<main id="main">
<section id="charts" class="charts" tabindex="0" aria-label="Numbers of the process"></section>
<section class="streams" aria-labelledby="streams-title">
<div class="tools">
<h2 id="streams-title">Streams</h2>
<p id="count" class="count" role="status"></p>
<label class="field search"><span>Search</span><input id="search" type="search" autocomplete="off" spellcheck="false" maxlength="200" placeholder="id, function, error (press /)"></label>
<label class="field"><span>Waiting for</span><select id="waiting"></select></label>
<label class="field sorted"><span>Sort by</span><select id="sort"></select></label>
</div>
<div id="grid" class="grid" role="grid" tabindex="0" aria-labelledby="streams-title"></div>
</section>
</main>
<aside id="detail" class="detail" aria-labelledby="detail-title" hidden></aside>
<noscript><p class="note">This page needs JavaScript.</p></noscript>
</body>
</html>
`
}
