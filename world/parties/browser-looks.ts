/**
 * Looks at a page from inside the browser. A function that is handed to the browser must hold all that it needs, and
 * what it needs of the browser is declared here, because the rest of the code is compiled without one.
 */
import type { Page } from 'playwright-core'

interface Seen {
  readonly id: string
  readonly value: string
  readonly labels: Iterable<Seen> | null
  readonly outerHTML: string
  readonly textContent: string
  readonly parentElement: Seen | null
  readonly childNodes: Iterable<{ readonly nodeType: number; readonly textContent: string | null }>
  readonly style: { color: string }
  closest(selector: string): Seen | null
  append(child: Seen): void
  remove(): void
  getBoundingClientRect(): { readonly top: number; readonly bottom: number; readonly right: number }
}

declare const document: {
  readonly activeElement: Seen | null
  readonly body: Seen
  readonly documentElement: { readonly scrollWidth: number }
  querySelector(selector: string): Seen | null
  querySelectorAll(selector: string): Iterable<Seen>
  createElement(name: string): Seen
}
declare const innerWidth: number
declare const innerHeight: number
declare function getComputedStyle(element: Seen): {
  readonly color: string
  readonly backgroundColor: string
  readonly opacity: string
}

/** @returns what stands in the fields, which the source does not tell */
export function valuesIn(page: Page): Promise<readonly string[]> {
  return page.evaluate(() => [...document.querySelectorAll('input, select')].map(({ value }) => value))
}

/** @returns whether the whole element can be seen without scrolling */
export function isInView(page: Page, selector: string): Promise<boolean> {
  return page.evaluate((wanted) => {
    const place = document.querySelector(wanted)?.getBoundingClientRect()
    return place !== undefined && place.top >= 0 && place.bottom <= innerHeight
  }, selector)
}

/** @returns fields without a word for them */
export function unlabelledIn(page: Page): Promise<readonly string[]> {
  return page.evaluate(() =>
    [...document.querySelectorAll('input:not([type=hidden]), select, output')]
      .filter(({ labels }) => [...(labels ?? [])].every(({ textContent }) => textContent.trim() === ''))
      .map(({ outerHTML }) => outerHTML),
  )
}

/** @returns the first elements that reach beyond the right edge of the window */
export function tooWideIn(page: Page): Promise<readonly string[]> {
  return page.evaluate(() => {
    const wide = [...document.querySelectorAll('body *')]
      .filter((element) => element.getBoundingClientRect().right > innerWidth)
      .map(({ outerHTML }) => outerHTML.slice(0, 120))
    return document.documentElement.scrollWidth > innerWidth
      ? ['the page itself', ...wide.slice(0, 5)]
      : wide.slice(0, 5)
  })
}

export interface Focus {
  readonly id: string
  readonly text: string
  readonly inMain: boolean
  /** Whether the bar with the button lies over it. */
  readonly covered: boolean
}

/** @returns what the keyboard would write to */
export function focusIn(page: Page): Promise<Focus> {
  return page.evaluate(() => {
    const focused = document.activeElement ?? document.body
    const bar = document.querySelector('.submit')?.getBoundingClientRect()
    const { bottom } = focused.getBoundingClientRect()
    return {
      id: focused.id,
      text: focused.textContent,
      inMain: focused.closest('main') !== null,
      covered: bar !== undefined && focused.closest('.submit') === null && bottom > bar.top,
    }
  })
}

/** @returns the first elements whose own text has less contrast than 4.5 to 1 with the colour behind it */
export function faintIn(page: Page): Promise<readonly string[]> {
  return page.evaluate(() => {
    type Colour = readonly number[]
    const probe = document.createElement('i')
    document.body.append(probe)
    probe.style.color = 'Canvas'
    const read = (text: string): Colour => (text.match(/[\d.]+/g) ?? []).map(Number)
    const paper = read(getComputedStyle(probe).color)
    probe.remove()
    const mix = ([red = 0, green = 0, blue = 0, alpha = 1]: Colour, opacity: number, back: Colour): Colour =>
      [red, green, blue].map((part, index) => part * alpha * opacity + (back[index] ?? 0) * (1 - alpha * opacity))
    // WCAG 2.2, "relative luminance".
    const light = (colour: Colour): number => {
      const [red = 0, green = 0, blue = 0] = colour.map((part) =>
        part <= 10 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4,
      )
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue
    }
    const lineOf = (element: Seen | null): readonly Seen[] =>
      element === null ? [] : [...lineOf(element.parentElement), element]
    const contrast = (element: Seen): number => {
      const line = lineOf(element).map((each) => getComputedStyle(each))
      const behind = line.reduce((back, { backgroundColor }) => mix(read(backgroundColor), 1, back), paper)
      const opacity = line.reduce((product, style) => product * Number(style.opacity), 1)
      const [low = 0, high = 0] = [
        light(mix(read(getComputedStyle(element).color), opacity, behind)),
        light(behind),
      ].sort((a, b) => a - b)
      return (high + 0.05) / (low + 0.05)
    }
    const hasText = ({ childNodes }: Seen): boolean =>
      [...childNodes].some(({ nodeType, textContent }) => nodeType === 3 && (textContent ?? '').trim() !== '')
    return [...document.querySelectorAll('body *')]
      .filter((element) => hasText(element) && contrast(element) < 4.5)
      .slice(0, 5)
      .map(({ outerHTML }) => outerHTML.slice(0, 120))
  })
}
