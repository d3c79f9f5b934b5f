/** Checks the links of our Markdown files to each other and to code. */
import type { RepositoryFile } from '../repository.ts'
import type { Violation } from './violation.ts'

interface MarkdownLink {
  readonly target: string
  readonly line: number
}

/** @returns links to files or headings that are not there. Links to the web are not followed. */
export function checkLinks(files: readonly RepositoryFile[]): readonly Violation[] {
  const texts = new Map(files.map((file) => [file.path, file.text]))
  const paths = new Set(files.flatMap((file) => pathAndFolders(file.path)))
  return files
    .filter((file) => file.path.endsWith('.md'))
    .flatMap((file) =>
      linksOf(file.text).flatMap(({ target, line }) => {
        const message = checkLink(file.path, target, paths, texts)
        return message === undefined ? [] : [{ path: file.path, line, message }]
      }),
    )
}

function checkLink(
  from: string,
  target: string,
  paths: ReadonlySet<string>,
  texts: ReadonlyMap<string, string>,
): string | undefined {
  if (/^[a-z][a-z+.-]*:/i.test(target)) return undefined
  if (target.startsWith('/')) return `links to "${target}", which only the web server of somebody else can resolve`
  const [file = '', heading] = decodeURIComponent(target).split('#')
  const path = file === '' ? from : resolveLink(from, file)
  if (!paths.has(path)) return `links to "${target}", which does not exist`
  const text = texts.get(path)
  if (heading === undefined || heading === '' || text === undefined || !path.endsWith('.md')) return undefined
  return headingsOf(text).has(heading) ? undefined : `links to "${target}", but there is no such heading`
}

function resolveLink(from: string, file: string): string {
  return new URL(file, `file:///${from}`).pathname.slice(1).replace(/\/$/, '')
}

function pathAndFolders(path: string): readonly string[] {
  const steps = path.split('/')
  return steps.map((_step, index) => steps.slice(0, index + 1).join('/'))
}

function linksOf(markdown: string): readonly MarkdownLink[] {
  return proseLines(markdown).flatMap(({ text, line }) => {
    const inline = [...text.matchAll(/\]\(<?([^()\s>]+(?:\([^()\s]*\))?)>?(?:\s+"[^"]*")?\)/g)]
    const reference = [...text.matchAll(/^\[[^\]]+\]:\s+(\S+)/g)]
    return [...inline, ...reference].map((match) => ({ target: match[1] ?? '', line }))
  })
}

/** As GitHub makes anchors: lower case, punctuation dropped, spaces to hyphens. */
function headingsOf(markdown: string): ReadonlySet<string> {
  const titles = proseLines(markdown).flatMap(({ text }) => /^#{1,6}\s+(.*?)\s*#*$/.exec(text)?.[1] ?? [])
  const anchors = titles.map((title) =>
    title
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replace(/\s/g, '-'),
  )
  return new Set(anchors)
}

/** Lines outside code fences, without what stands in backticks (but headings keep it, as their anchors do). */
function proseLines(markdown: string): readonly { readonly text: string; readonly line: number }[] {
  let fence: string | undefined
  return markdown.split('\n').flatMap((text, index) => {
    const mark = /^\s*(```+|~~~+)/.exec(text)?.[1]
    if (mark !== undefined && (fence === undefined || text.trim().startsWith(fence))) {
      fence = fence === undefined ? mark : undefined
      return []
    }
    if (fence !== undefined) return []
    return [{ text: text.startsWith('#') ? text : text.replace(/`[^`]*`/g, '``'), line: index + 1 }]
  })
}
