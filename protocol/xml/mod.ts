/** XML for profiles and for TR-069: a small strict reader without document types, and a writer. */
export { type XmlComment, type XmlElement, type XmlNode, type XmlText, childElements, textOf } from './tree.ts'
export { parseXml, type XmlLimits, XML_CHARS_MAX, XML_DEPTH_MAX, XML_ELEMENTS_MAX } from './read.ts'
export {
  prologEnd,
  walkXml,
  type XmlBounds,
  type XmlListener,
  type XmlPlace,
  type XmlProblem,
  type XmlTag,
} from './walk.ts'
export { assertXmlName, commentText, escapeXml, printXml } from './write.ts'
