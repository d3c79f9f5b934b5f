import type { Collector } from '../collectors.ts'
import { faultFor } from '../faults.ts'
import { type Codec, faultCode, field, mapped, struct, text } from '../schema.ts'

const parameterFault = struct({
  name: field('ParameterName', text),
  code: field('FaultCode', faultCode),
  text: field('FaultString', text),
})
/** What was wrong with one parameter of SetParameterValues. */
export interface ParameterFault {
  readonly name: string
  readonly code: number | undefined
  readonly text: string
}

/** A SOAP fault with what CWMP puts in its detail [TR-069 §4]. */
export interface FaultContent {
  /** Undefined: the sender gave none; see `faultCodeOf`. */
  readonly code: number | undefined
  readonly text: string
  readonly parameterFaults: readonly ParameterFault[]
}

const head = struct({ code: field('FaultCode', faultCode), text: field('FaultString', text) })

/** `cwmp:Fault`: the parameters' faults stand beside the code, without a container. */
const cwmpFault: Codec<FaultContent> = {
  missing: { ...head.missing, parameterFaults: [] },
  open(opening, done) {
    const parameterFaults: ParameterFault[] = []
    const rest: Collector = head.open(opening, (found) => done({ ...found, parameterFaults }))
    return {
      child: (inner) =>
        inner.name === 'SetParameterValuesFault'
          ? parameterFault.open(inner, (one) => parameterFaults.push(one))
          : rest.child(inner),
      text: (piece) => rest.text(piece),
      end: () => rest.end(),
    }
  },
  write(name, fault, form) {
    const faults = fault.parameterFaults
      .map((one) => parameterFault.write('SetParameterValuesFault', one, form))
      .join('')
    const code = faultCode.write('FaultCode', fault.code, form)
    return `<${name}>${code}${text.write('FaultString', fault.text, form)}${faults}</${name}>`
  },
}

// Only the inner fault is qualified, so it is written under its prefix and read under its local name.
const detail: Codec<FaultContent> = {
  missing: cwmpFault.missing,
  open(_opening, done) {
    let found = cwmpFault.missing
    return {
      child: (inner) => (inner.name === 'Fault' ? cwmpFault.open(inner, (fault) => (found = fault)) : undefined),
      text: () => undefined,
      end: () => done(found),
    }
  },
  write: (name, fault, form) => `<${name}>${cwmpFault.write('cwmp:Fault', fault, form)}</${name}>`,
}

/** `soap:Fault`, flattened. */
export const fault: Codec<FaultContent> = mapped(
  struct({ side: field('faultcode', text), reason: field('faultstring', text), detail: field('detail', detail) }),
  (whole) => ({ ...whole.detail, text: whole.detail.text === '' ? strangersReason(whole.reason) : whole.detail.text }),
  (content) => ({
    side: `soap-env:${content.code === undefined ? 'Server' : (faultFor(content.code)?.side ?? 'Server')}`,
    reason: 'CWMP fault',
    detail: content,
  }),
)

/** Every CWMP fault has the same SOAP reason; only another one says something. */
function strangersReason(reason: string): string {
  return /^\s*cwmp fault\s*$/i.test(reason) ? '' : reason
}
