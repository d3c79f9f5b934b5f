/** The OpenAPI document and its readable page. Both are open: they hold nothing that the source does not say. */
import fastifySwagger from '@fastify/swagger'
import fastifySwaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance } from 'fastify'
import { transformDocument, transformRoute } from './openapi.ts'

export async function addDocuments(app: FastifyInstance): Promise<void> {
  await app.register(fastifySwagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Offhook',
        version: '1',
        description: 'Provisioning of Cisco IP Phones with Multiplatform firmware',
      },
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
      security: [{ token: [] }],
    },
    transform: transformRoute,
    transformObject: transformDocument,
  })
  await app.register(fastifySwaggerUi, {
    routePrefix: '/api/docs',
    theme: { title: 'Offhook' },
    logo: { type: 'image/svg+xml', content: LOGO, href: '/api/docs' },
    // The badge of an outside validator would ask somebody else about us.
    uiConfig: { validatorUrl: null, docExpansion: 'none', filter: true, persistAuthorization: false },
    staticCSP: PAGE_POLICY,
  })
}

/** Nothing from elsewhere. The page sets styles and small pictures by itself. */
const PAGE_POLICY = {
  'default-src': ["'self'"],
  'img-src': ["'self'", 'data:'],
  'style-src': ["'self'", "'unsafe-inline'"],
  'script-src': ["'self'"],
  'connect-src': ["'self'"],
  'object-src': ["'none'"],
  'base-uri': ["'self'"],
  'frame-ancestors': ["'none'"],
}

const LOGO = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 160 40"><text x="0" y="29" font-family="sans-serif" font-size="28" font-weight="bold" fill="#fff">Offhook</text></svg>`
