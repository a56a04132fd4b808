import type { Locale } from '../domain/locale.ts'

/** The parts of a mail, in words. */
export interface Body {
  readonly paragraphs: readonly string[]
  readonly link: { readonly url: string; readonly text: string }
  readonly picture?: { readonly cid: string; readonly alt: string }
  readonly after: readonly string[]
  readonly footer: readonly string[]
}

interface Shown extends Body {
  readonly locale: Locale
  readonly title: string
}

/** Everything is in the text as well: the link stands on a line of its own. */
export function textOf({ paragraphs, link, after, footer }: Shown): string {
  return `${[...paragraphs, link.url, ...after].join('\n\n')}\n\n-- \n${footer.join('\n')}\n`
}

const FONT = "font-family:system-ui,-apple-system,'Segoe UI','PingFang SC','Microsoft YaHei',sans-serif"
const CARD = 'max-width:34rem;margin:0 auto;padding:1.5rem;background:#ffffff;border-radius:8px'
const BUTTON =
  'display:inline-block;padding:0.7rem 1.2rem;background:#1f4fbf;color:#ffffff;border-radius:6px;text-decoration:none'

/** One column, which needs no picture and loads nothing. */
export function htmlOf({ paragraphs, link, picture, after, footer, locale, title }: Shown): string {
  const p = (text: string) => `<p style="margin:0 0 1rem">${escaped(text)}</p>`
  const url = escaped(link.url)
  const image =
    picture === undefined
      ? ''
      : `<p style="margin:0 0 1rem"><img src="cid:${picture.cid}" alt="${escaped(picture.alt)}" width="220" height="220"></p>`
  return `<!doctype html>
<html lang="${locale}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escaped(title)}</title></head>
<body style="margin:0;padding:1rem;background:#eef1f5;color:#1c2430;line-height:1.5;${FONT}">
<div style="${CARD}">
${paragraphs.map(p).join('\n')}
<p style="margin:0 0 1rem"><a href="${url}" style="${BUTTON}">${escaped(link.text)}</a></p>
<p style="margin:0 0 1rem;word-break:break-all"><a href="${url}" style="color:#1f4fbf">${url}</a></p>
${image}
${after.map(p).join('\n')}
<hr style="border:0;border-top:1px solid #d5dbe3;margin:1.5rem 0 1rem">
${footer.map((text) => `<p style="margin:0 0 0.5rem;color:#5a6675;font-size:0.875rem">${escaped(text)}</p>`).join('\n')}
</div></body></html>
`
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? '')
}
