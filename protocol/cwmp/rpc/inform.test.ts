import { test } from 'vitest'

import { expectSample, type Sample } from '../testing-samples.ts'

const CASES: readonly Sample[] = [
  {
    body: {
      kind: 'Inform',
      deviceId: { manufacturer: 'Cisco', oui: '2C01B5', productClass: 'CP-8851-3PCC', serialNumber: 'FCH1' },
      events: [{ code: '1 BOOT', commandKey: '' }],
      maxEnvelopes: 1,
      currentTime: Date.UTC(2026, 0, 2, 3, 4, 5),
      retryCount: 2,
      parameters: [{ name: 'Device.A', type: 'string', value: 'a & b ' }],
    },
    xml: '<cwmp:Inform><DeviceId><Manufacturer>Cisco</Manufacturer><OUI>2C01B5</OUI><ProductClass>CP-8851-3PCC</ProductClass><SerialNumber>FCH1</SerialNumber></DeviceId><Event soap-enc:arrayType="cwmp:EventStruct[1]"><EventStruct><EventCode>1 BOOT</EventCode><CommandKey></CommandKey></EventStruct></Event><MaxEnvelopes>1</MaxEnvelopes><CurrentTime>2026-01-02T03:04:05Z</CurrentTime><RetryCount>2</RetryCount><ParameterList soap-enc:arrayType="cwmp:ParameterValueStruct[1]"><ParameterValueStruct><Name>Device.A</Name><Value xsi:type="xsd:string">a &amp; b </Value></ParameterValueStruct></ParameterList></cwmp:Inform>',
  },
  {
    body: { kind: 'InformResponse', maxEnvelopes: 1 },
    xml: '<cwmp:InformResponse><MaxEnvelopes>1</MaxEnvelopes></cwmp:InformResponse>',
  },
]

test.each(CASES)('reads, writes and mirrors $body.kind [TR-069 §7]', expectSample)
