window.SwaggerUIBundle({
  url: '/docs/openapi.yaml',
  dom_id: '#api',
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  validatorUrl: null,
})
