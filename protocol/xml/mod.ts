/** XML for profiles and for TR-069: a small strict reader without document types, and a writer. */
export { type XmlComment, type XmlElement, type XmlNode, type XmlText, childElements, textOf } from './tree.ts'
export {
  parseXml,
  prologEnd,
  type XmlLimits,
  type XmlProblem,
  XML_CHARS_MAX,
  XML_DEPTH_MAX,
  XML_ELEMENTS_MAX,
} from './read.ts'
export { assertXmlName, commentText, escapeXml, printXml } from './write.ts'
