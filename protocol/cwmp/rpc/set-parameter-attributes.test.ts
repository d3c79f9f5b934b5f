import { test } from 'vitest'

import { expectSample, type Sample } from '../testing-samples.ts'

const CASES: readonly Sample[] = [
  {
    body: {
      kind: 'SetParameterAttributes',
      parameters: [
        {
          name: 'Device.A',
          notificationChange: true,
          notification: 2,
          accessListChange: false,
          accessList: ['Subscriber'],
        },
      ],
    },
    xml: '<cwmp:SetParameterAttributes><ParameterList soap-enc:arrayType="cwmp:SetParameterAttributesStruct[1]"><SetParameterAttributesStruct><Name>Device.A</Name><NotificationChange>true</NotificationChange><Notification>2</Notification><AccessListChange>false</AccessListChange><AccessList soap-enc:arrayType="xsd:string[1]"><string>Subscriber</string></AccessList></SetParameterAttributesStruct></ParameterList></cwmp:SetParameterAttributes>',
  },
  { body: { kind: 'SetParameterAttributesResponse' }, xml: '<cwmp:SetParameterAttributesResponse/>' },
]

test.each(CASES)('reads, writes and mirrors $body.kind [TR-069 §7]', expectSample)
