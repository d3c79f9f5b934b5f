/** Webhooks and their deliveries, as the API shows them. */
import { z } from 'zod'
import { EventPattern } from './events.ts'

const events = z.array(EventPattern).min(1).max(100).describe('Names of events, or patterns: `device.*`, `*`')
const url = z.string().min(1).max(2048)

export const WebhookInput = z
  .object({
    url,
    events: events.default(['*']),
    accountId: z.string().min(1).max(128).optional().describe('Only events of this account and all below it'),
  })
  .meta({ id: 'NewWebhook' })

export const WebhookPatch = z
  .object({
    url: url.optional(),
    events: events.optional(),
    enabled: z.boolean().optional().describe('Enabled again, it goes on with events from now on'),
    newSecret: z.boolean().optional().describe('Make a new secret and tell it once'),
  })
  .meta({ id: 'WebhookChange' })

const fields = {
  id: z.string(),
  url: z.string(),
  events: z.array(z.string()),
  accountId: z.string().nullable(),
  enabled: z.boolean(),
  disabledReason: z.string().nullable(),
  failureCount: z.int().describe('Failures in a row'),
  failingSince: z.string().nullable(),
  queuedCount: z.int(),
  createdBy: z.string(),
  createdAt: z.string(),
}

export const Webhook = z.object(fields).meta({ id: 'Webhook' })

export const MadeWebhook = z
  .object({ ...fields, secret: z.string().optional().describe('Told once: the key of the signatures') })
  .meta({ id: 'MadeWebhook' })

export const Delivery = z
  .object({
    id: z.int(),
    webhookId: z.string(),
    eventId: z.int().nullable(),
    eventName: z.string(),
    state: z.enum(['queued', 'delivered', 'failed']),
    attemptCount: z.int(),
    nextAt: z.string().nullable(),
    lastStatus: z.int().nullable(),
    lastError: z.string().nullable(),
    createdAt: z.string(),
    endedAt: z.string().nullable(),
    body: z.string().describe('As it is sent'),
  })
  .meta({ id: 'Delivery' })
