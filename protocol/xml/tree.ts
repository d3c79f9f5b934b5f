/** One element with what is inside it, in document order. */
export interface XmlElement {
  readonly kind: 'element'
  readonly name: string
  readonly attributes: ReadonlyMap<string, string>
  readonly children: readonly XmlNode[]
  /** True for `<X/>`, false for `<X></X>`: profiles give the two different meanings (MPP §1.5). */
  readonly selfClosing: boolean
}

/** Character data with its escapes translated; CDATA sections are text too. Neighbouring pieces are joined. */
export interface XmlText {
  readonly kind: 'text'
  readonly text: string
}

/** A comment, without its marks. */
export interface XmlComment {
  readonly kind: 'comment'
  readonly text: string
}

export type XmlNode = XmlElement | XmlText | XmlComment

/** @returns the elements directly inside `element`, in document order. */
export function childElements(element: XmlElement): readonly XmlElement[] {
  return element.children.filter((child) => child.kind === 'element')
}

/** @returns the text directly inside `element`, without that of deeper elements. */
export function textOf(element: XmlElement): string {
  return element.children.map((child) => (child.kind === 'text' ? child.text : '')).join('')
}
