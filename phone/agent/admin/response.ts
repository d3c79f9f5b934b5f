/** Builds the answers of the web server, each with the headers that keep browsers careful. Source: RFC 9110, RFC 9111 §5.2. */
import { escapeXml } from '../../../protocol/xml/mod.ts'
import type { WebResponse } from '../types.ts'

/** Nothing is stored, framed, sniffed or loaded from elsewhere; pages need no script. */
const CAREFUL_HEADERS: readonly (readonly [string, string])[] = [
  ['Cache-Control', 'no-store'],
  ['X-Content-Type-Options', 'nosniff'],
  ['X-Frame-Options', 'DENY'],
  // Not `no-referrer`: a browser then sends forms with `Origin: null`, which cannot be told from a stranger's (Fetch §3.2).
  ['Referrer-Policy', 'same-origin'],
  [
    'Content-Security-Policy',
    "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
  ],
]

type Headers = readonly (readonly [string, string])[]

/** An answer of any type. */
export function respond(status: number, type: string, body: string, headers: Headers = []): WebResponse {
  return { status, headers: [['Content-Type', `${type}; charset=utf-8`], ...CAREFUL_HEADERS, ...headers], body }
}

/** A whole HTML page. `title` is text, `body` is HTML. */
export function htmlPage(status: number, title: string, body: string, headers: Headers = []): WebResponse {
  const html = `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeXml(title)}</title>
<link rel="stylesheet" href="/phone.css">
</head>
<body>
${body}
</body>
</html>
`
  return respond(status, 'text/html', html, headers)
}

/** A page with one heading and one sentence: command results and refusals. */
export function sentence(status: number, title: string, text: string, headers: Headers = []): WebResponse {
  return htmlPage(status, title, `<main>\n<h1>${escapeXml(title)}</h1>\n<p>${escapeXml(text)}</p>\n</main>`, headers)
}

/** XML that another program reads. */
export function xmlDocument(xml: string): WebResponse {
  return respond(200, 'text/xml', xml)
}

/** `style` of every page, served as /phone.css so that the policy needs no inline style. */
export const STYLE = `:root { color-scheme: light dark; --line: #8886; --accent: #0a6e8a; --wrong: #b3101d }
@media (prefers-color-scheme: dark) { :root { --wrong: #ff8f8f } }
html { scroll-padding: 1rem 0 5rem }
body { font: 15px/1.45 system-ui, sans-serif; margin: 0 auto; max-width: 60rem; padding: 1rem; overflow-wrap: anywhere }
h1 { font-size: 1.4rem; margin: 0 0 .25rem }
h2 { font-size: 1.05rem; margin: 1.75rem 0 .6rem; border-bottom: 1px solid var(--line); padding-bottom: .2rem }
header p { margin: .25rem 0 }
nav { display: flex; flex-wrap: wrap; gap: .35rem; margin: .75rem 0 1rem }
nav a { padding: .2rem .6rem; border: 1px solid var(--line); border-radius: .3rem; text-decoration: none; color: inherit }
nav a[aria-current] { background: var(--accent); border-color: var(--accent); color: #fff }
table { border-collapse: collapse; table-layout: fixed; width: 100% }
th, td { text-align: left; padding: .25rem .75rem .25rem 0; vertical-align: top }
th { width: 17.25rem; font-weight: 500 }
.fields { display: grid; grid-template-columns: minmax(12rem, 18rem) minmax(0, 1fr); gap: .75rem 1rem; align-items: baseline }
input[type=text], input[type=password], select { box-sizing: border-box; width: 100%; min-height: 2.1rem; font: inherit; padding: .2rem .4rem }
[aria-invalid] { border: 2px solid var(--wrong) }
::placeholder { color: inherit; opacity: .7 }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 1px }
.hint { display: block; font-size: .82rem; opacity: .8 }
.error { display: block; color: var(--wrong); font-weight: 600 }
.notice { border-left: .3rem solid var(--accent); padding: .1rem .75rem; margin: 1rem 0 }
.notice p { margin: .35rem 0 }
.wrong { border-color: var(--wrong) }
.submit { position: sticky; bottom: 0; margin: 1.25rem 0 0; padding: .75rem 0; border-top: 1px solid var(--line); background: Canvas }
button { font: inherit; padding: .4rem 1rem }
@media (max-width: 40rem) {
  .fields { grid-template-columns: minmax(0, 1fr); gap: .15rem }
  .fields > div { margin-bottom: .9rem }
  .fields label { font-weight: 500 }
  th { width: 42% }
}
`
