import type { HelpContact } from '../domain/help-contact.ts'
import type { Locale } from '../domain/locale.ts'
import type { CodeMailKind, Mail, MailContent, MailKind, NoticeKind } from '../domain/mail.ts'
import { type CodePage, codeLink } from '../domain/readable-code.ts'
import { type Translate, translator } from '../i18n/messages.ts'
import { type Body, htmlOf, textOf } from './layout.ts'
import type { Letter } from './outlet.ts'
import { qrPng } from './qr-png.ts'

export interface ComposeOptions {
  readonly from: Letter['from']
  /** The service's name, as on the pages. */
  readonly service: string
  /** Of the portal, without a slash at its end. */
  readonly publicUrl: string
  readonly help?: HelpContact
  /** In which times are written. */
  readonly timeZone: string
}

const DAY_KINDS: ReadonlySet<MailKind> = new Set<MailKind>(['account_ends', 'password_ends'])
const QR = 'qr'

/** The letter of a mail, in the user's language. It holds no password and no seed, and no code but one that it brings. */
export function compose(
  { id, kind, to, createdAt }: Pick<Mail, 'id' | 'kind' | 'to' | 'createdAt'>,
  content: MailContent,
  options: ComposeOptions,
): Letter {
  const t = translator(content.locale)
  const [subject, body] =
    kind === 'invitation' || kind === 'password_link'
      ? withCode(kind, content, options, t)
      : notice(kind, content, options, t)
  return letterOf({ id, to, date: new Date(createdAt), subject }, body, content.locale, options)
}

/** By which an operator sees whether mails arrive. */
export function composeTest(
  about: { readonly id: string; readonly to: string; readonly date: Date },
  locale: Locale,
  options: ComposeOptions,
): Letter {
  const t = translator(locale)
  const { service, publicUrl } = options
  const link = { url: `${publicUrl}/`, text: t('letter.portal') }
  const body = {
    paragraphs: [t('letter.test.text', { service })],
    link,
    after: [],
    footer: footer(options, t),
  }
  return letterOf({ ...about, subject: t('letter.test.subject', { service }) }, body, locale, options)
}

function letterOf(
  { id, ...about }: { readonly id: string } & Pick<Letter, 'to' | 'date' | 'subject'>,
  body: Body,
  locale: Locale,
  { from, service }: ComposeOptions,
): Letter {
  const [, domain = ''] = from.address.split('@')
  const shown = { ...body, locale, title: service }
  return {
    ...about,
    messageId: `${id}@${domain}`,
    from,
    text: textOf(shown),
    html: htmlOf(shown),
    pictures: body.picture === undefined ? [] : [{ cid: QR, name: 'qr.png', png: qrPng(body.link.url) }],
  }
}

const PAGES: Readonly<Record<CodeMailKind, CodePage>> = {
  invitation: '/enrol',
  password_link: '/choose-password',
}

function withCode(
  kind: CodeMailKind,
  { name, at, code = '', locale }: MailContent,
  options: ComposeOptions,
  t: Translate,
): readonly [subject: string, body: Body] {
  const { service, publicUrl } = options
  const body = {
    paragraphs: [
      t('letter.greeting', { name }),
      t(`letter.${kind}.text`, { service }),
      t('letter.invitation.open'),
    ],
    link: { url: codeLink(publicUrl, PAGES[kind], name, code), text: t(`letter.${kind}.button`) },
    picture: { cid: QR, alt: t('letter.invitation.qr') },
    after: [t(`letter.${kind}.until`, { time: timeText(at, locale, options) }), t(`letter.${kind}.code`)],
    footer: footer(options, t),
  }
  return [t(`letter.${kind}.subject`, { service }), body]
}

function notice(
  kind: NoticeKind,
  { name, at, address, isLast, locale }: MailContent,
  options: ComposeOptions,
  t: Translate,
): readonly [subject: string, body: Body] {
  const time = DAY_KINDS.has(kind) ? dayText(at, locale, options) : timeText(at, locale, options)
  const values = {
    service: options.service,
    time,
    address: address ?? '',
    hasAddress: address === undefined ? 'no' : 'yes',
  }
  const body = {
    paragraphs: [
      t('letter.greeting', { name }),
      t(`letter.${kind}.text`, values),
      t(`letter.${kind}.advice`),
    ],
    link: { url: `${options.publicUrl}/`, text: t('letter.portal') },
    after: isLast === true ? [t('letter.last')] : [],
    footer: footer(options, t),
  }
  return [t(`letter.${kind}.subject`, values), body]
}

function footer({ service, help }: ComposeOptions, t: Translate): readonly string[] {
  const contact = [help?.text, help?.mail, help?.telephone].filter((part) => part !== undefined)
  const asks = contact.length === 0 ? [] : [t('letter.help', { contact: contact.join(', ') })]
  return [...asks, t('letter.footer', { service })]
}

function timeText(at: number, locale: Locale, { timeZone }: ComposeOptions): string {
  const style = {
    year: 'numeric',
    month: 'long',
    day: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
  } as const
  return new Intl.DateTimeFormat(tagOf(locale), {
    ...style,
    timeZone,
    timeZoneName: 'short',
    hourCycle: 'h23',
  }).format(at)
}

function dayText(at: number, locale: Locale, { timeZone }: ComposeOptions): string {
  return new Intl.DateTimeFormat(tagOf(locale), { dateStyle: 'long', timeZone }).format(at)
}

/** Days before months, and hours to 24. */
function tagOf(locale: Locale): string {
  return locale === 'en' ? 'en-GB' : locale
}
