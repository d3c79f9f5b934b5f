import { arrayOf, field, struct, text } from '../schema.ts'

const argument = struct({ name: field('Name', text), value: field('Value', text) })

/** A device asks for a file; arguments say more of which one [TR-069 §7]. */
export const requestDownload = struct({
  fileType: field('FileType', text),
  fileTypeArguments: field('FileTypeArg', arrayOf('ArgStruct', 'cwmp:ArgStruct', argument)),
})
/** Nothing; the ACS may then send Download. */
export const requestDownloadResponse = struct({})
