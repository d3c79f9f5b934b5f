/** Random messages: one arbitrary for each codec, shared by the properties. */
import fc from 'fast-check'

import type { FaultContent } from './rpc/fault.ts'
import type { RpcContent, RpcName } from './rpc/all.ts'
import type { ParameterValue } from './schema.ts'
import { CWMP_NAMESPACE, type CwmpBody, type CwmpMessage } from './types.ts'
import { VALUE_TYPES } from './values.ts'

/** The seed of all properties here. */
export const SEED = 69

/** What the writer puts in place of what XML forbids. */
export function asXmlAllows(text: string): string {
  return text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '\ufffd')
}

const markup = fc.string({ unit: fc.constantFrom('a', ' ', '&', '<', ']', '>', '\r', '\n', '\t', '"', "'", 'é', '😀') })
/** Any text that XML can carry, with more markup in it than chance would put there. */
export const text = fc.oneof(markup, fc.string({ unit: 'binary' }).map(asXmlAllows))
const int = fc.oneof(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), fc.constantFrom(-(2 ** 31), 0, 2 ** 31 - 1))
const unsignedInt = fc.oneof(fc.integer({ min: 0, max: 2 ** 32 - 1 }), fc.constantFrom(0, 2 ** 32 - 1))
const boolean = fc.boolean()
// Whole seconds of years with four digits, but the first day, which means unknown.
const seconds = fc.integer({ min: Date.parse('0001-01-02T00:00:00Z') / 1000, max: Date.UTC(9999, 11, 31) / 1000 })
const dateTime = fc.option(
  seconds.map((count) => count * 1000),
  { nil: undefined },
)
const strings = fc.array(text, { maxLength: 5 })
const some = <T>(one: fc.Arbitrary<T>) => fc.array(one, { maxLength: 5 })
const code = fc.option(unsignedInt, { nil: undefined })

const parameterValues: fc.Arbitrary<readonly ParameterValue[]> = some(
  fc.record({ name: text, type: fc.constantFrom(...VALUE_TYPES), value: text }),
)
const transferFault = fc.record({ code: unsignedInt, text })
const object = { objectName: text, parameterKey: text }
const transfer = { commandKey: text, fileType: text, url: text, username: text, password: text }
const file = { fileType: text, fileSize: unsignedInt, targetFileName: text }
const transferred = fc.record({ status: int, startTime: dateTime, completeTime: dateTime })
const nothing = fc.constant({})

const REQUESTS_OF_ACS = {
  GetRPCMethods: nothing,
  SetParameterValues: fc.record({ parameters: parameterValues, parameterKey: text }),
  GetParameterValues: fc.record({ names: strings }),
  GetParameterNames: fc.record({ path: text, nextLevel: boolean }),
  SetParameterAttributes: fc.record({
    parameters: some(
      fc.record({
        name: text,
        notificationChange: boolean,
        notification: int,
        accessListChange: boolean,
        accessList: strings,
      }),
    ),
  }),
  GetParameterAttributes: fc.record({ names: strings }),
  AddObject: fc.record(object),
  DeleteObject: fc.record(object),
  Reboot: fc.record({ commandKey: text }),
  FactoryReset: nothing,
  Download: fc.record({
    ...transfer,
    ...file,
    delaySeconds: unsignedInt,
    successUrl: text,
    failureUrl: text,
  }),
  ScheduleInform: fc.record({ delaySeconds: unsignedInt, commandKey: text }),
  Upload: fc.record({ ...transfer, delaySeconds: unsignedInt }),
  GetQueuedTransfers: nothing,
  GetAllQueuedTransfers: nothing,
  CancelTransfer: fc.record({ commandKey: text }),
  ScheduleDownload: fc.record({
    ...transfer,
    ...file,
    timeWindows: some(
      fc.record({
        windowStart: unsignedInt,
        windowEnd: unsignedInt,
        windowMode: text,
        userMessage: text,
        maxRetries: int,
      }),
    ),
  }),
}

const RESPONSES_OF_CPE = {
  GetRPCMethodsResponse: fc.record({ methods: strings }),
  SetParameterValuesResponse: fc.record({ status: int }),
  GetParameterValuesResponse: fc.record({ parameters: parameterValues }),
  GetParameterNamesResponse: fc.record({ parameters: some(fc.record({ name: text, writable: boolean })) }),
  SetParameterAttributesResponse: nothing,
  GetParameterAttributesResponse: fc.record({
    parameters: some(fc.record({ name: text, notification: int, accessList: strings })),
  }),
  AddObjectResponse: fc.record({ instanceNumber: unsignedInt, status: int }),
  DeleteObjectResponse: fc.record({ status: int }),
  RebootResponse: nothing,
  FactoryResetResponse: nothing,
  DownloadResponse: transferred,
  ScheduleInformResponse: nothing,
  UploadResponse: transferred,
  GetQueuedTransfersResponse: fc.record({ transfers: some(fc.record({ commandKey: text, state: int })) }),
  GetAllQueuedTransfersResponse: fc.record({
    transfers: some(fc.record({ commandKey: text, state: int, isDownload: boolean, ...file })),
  }),
  CancelTransferResponse: nothing,
  ScheduleDownloadResponse: nothing,
}

const FROM_CPE_AND_BACK = {
  Inform: fc.record({
    deviceId: fc.record({ manufacturer: text, oui: text, productClass: text, serialNumber: text }),
    events: some(fc.record({ code: text, commandKey: text })),
    maxEnvelopes: unsignedInt,
    currentTime: dateTime,
    retryCount: unsignedInt,
    parameters: parameterValues,
  }),
  InformResponse: fc.record({ maxEnvelopes: unsignedInt }),
  TransferComplete: fc.record({
    commandKey: text,
    fault: transferFault,
    startTime: dateTime,
    completeTime: dateTime,
  }),
  TransferCompleteResponse: nothing,
  AutonomousTransferComplete: fc.record({
    announceUrl: text,
    transferUrl: text,
    isDownload: boolean,
    ...file,
    fault: transferFault,
    startTime: dateTime,
    completeTime: dateTime,
  }),
  AutonomousTransferCompleteResponse: nothing,
  RequestDownload: fc.record({ fileType: text, fileTypeArguments: some(fc.record({ name: text, value: text })) }),
  RequestDownloadResponse: nothing,
}

// A codec without an arbitrary does not compile.
const CONTENTS: { readonly [K in RpcName]: fc.Arbitrary<RpcContent<K>> } = {
  ...REQUESTS_OF_ACS,
  ...RESPONSES_OF_CPE,
  ...FROM_CPE_AND_BACK,
}

const faultContent: fc.Arbitrary<FaultContent> = fc.record({
  code,
  text,
  parameterFaults: some(fc.record({ name: text, code, text })),
})

/** For each kind of body, one that carries anything its codec can. */
export const BODIES: readonly (readonly [string, fc.Arbitrary<CwmpBody>])[] = [
  ...Object.entries(CONTENTS).map(([kind, contents]) => {
    // That kind and content go together is checked above, and lost by `Object.entries`.
    const content = contents as fc.Arbitrary<object>
    return [kind, content.map((fields) => ({ kind, ...fields }) as CwmpBody)] as const
  }),
  ['Fault', faultContent.map((content) => ({ kind: 'Fault' as const, ...content }))],
]

const headers: fc.Arbitrary<CwmpMessage['headers']> = fc.record(
  {
    sessionTimeoutSeconds: unsignedInt,
    holdRequests: boolean,
    supportedVersions: fc.subarray(['1.0', '1.1', '1.2', '1.3', '1.4'], { minLength: 1 }),
    useVersion: fc.constantFrom('1.0', '1.4'),
  },
  { requiredKeys: [] },
)

/** A body in an envelope with any headers. */
export function messageOf(body: fc.Arbitrary<CwmpBody>): fc.Arbitrary<CwmpMessage> {
  return fc.record({
    id: fc.option(text, { nil: undefined }),
    namespace: fc.constantFrom(CWMP_NAMESPACE, 'urn:dslforum-org:cwmp-1-0', 'urn:dslforum-org:cwmp-1-4'),
    headers,
    body,
  })
}

/** Any message. */
export const anyMessage: fc.Arbitrary<CwmpMessage> = messageOf(fc.oneof(...BODIES.map(([, body]) => body)))
