import type { AuditKind } from '../../domain/audit.ts'
import type { RefusalReason } from '../../domain/refusal.ts'
import type { Locale } from '../../domain/words.ts'

/** What `PortalWords.refused` tells apart: which page was sent, and so what was typed. */
export type Typed = 'password' | 'code' | 'leave'

/** Something that needs the present code first. */
export type Deed = 'replace' | 'remove' | 'recovery-codes'

export interface PortalWords {
  readonly steps: { readonly label: string; readonly names: readonly [string, string, string] }
  readonly signIn: {
    readonly title: string
    readonly lead: string
    readonly name: string
    readonly password: string
    readonly submit: string
    readonly orLeave: string
    readonly leaveLink: string
  }
  readonly code: {
    readonly title: string
    readonly lead: string
    readonly label: string
    readonly hint: string
    readonly storeLabel: string
    readonly submit: string
    readonly cancel: string
    readonly wrong: (triesLeft: number) => string
    readonly used: (triesLeft: number) => string
  }
  readonly leave: {
    readonly title: string
    readonly lead: string
    readonly code: string
    readonly hint: string
    readonly submit: string
    readonly orSignIn: string
  }
  readonly enrol: {
    readonly title: string
    readonly lead: string
    readonly scan: string
    readonly scanHint: string
    readonly qr: string
    readonly sameDevice: string
    readonly open: string
    readonly typeKey: string
    readonly key: string
    readonly facts: (digits: number, seconds: number, algorithm: string) => string
    readonly confirm: string
    readonly label: string
    readonly hint: (digits: number) => string
    readonly submit: string
    readonly wrong: string
    readonly expiredTitle: string
    readonly expired: string
    readonly again: string
    readonly cancel: string
  }
  readonly recovery: {
    readonly title: string
    readonly ready: string
    readonly lead: string
    readonly list: string
    readonly keep: string
    readonly download: string
    readonly print: string
    readonly next: string
    /** Heads the file and the sheet of paper. */
    readonly heading: (service: string, name: string) => string
  }
  readonly done: {
    readonly title: string
    readonly lead: string
    readonly wait: string
    readonly account: string
  }
  readonly account: {
    readonly title: string
    readonly standing: string
    readonly open: string
    readonly openText: string
    readonly locked: string
    readonly lockedFrom: (address: string) => string
    readonly lockedEverywhere: string
    readonly until: string
    readonly untilReleased: string
    readonly authenticator: string
    readonly since: string
    readonly codesLeft: string
    readonly codesLeftText: (left: number) => string
    readonly fewCodes: string
    readonly replace: string
    readonly remove: string
    readonly renew: string
    readonly sessions: string
    readonly noSessions: string
    readonly signIns: string
    readonly noSignIns: string
    readonly unknown: string
    readonly started: string
    readonly gateway: string
    readonly from: string
    readonly vpnAddress: string
    readonly state: string
    readonly running: string
    readonly ended: string
    readonly when: string
    readonly what: string
    readonly portal: string
    readonly everywhere: string
    readonly everywhereText: string
    readonly kind: (kind: AuditKind) => string
  }
  readonly prove: {
    readonly label: string
    readonly hint: string
    readonly cancel: string
    readonly of: Readonly<
      Record<Deed, { readonly title: string; readonly lead: string; readonly submit: string }>
    >
  }
  readonly removed: { readonly title: string; readonly lead: string; readonly again: string }
  /** @param minutes where a time helps. */
  readonly refused: (reason: RefusalReason, typed: Typed, minutes: number | undefined) => string
}

const english: PortalWords = {
  steps: { label: 'Steps', names: ['Sign in', 'Connect the app', 'Save recovery codes'] },
  signIn: {
    title: 'Sign in',
    lead: 'Set up the authenticator app for your VPN, or manage the one you have.',
    name: 'User name',
    password: 'Password',
    submit: 'Continue',
    orLeave: 'Do you have a code from the VPN window, or an invitation?',
    leaveLink: 'Enter it here',
  },
  code: {
    title: 'Enter your code',
    lead: 'Your password was right. Now prove that you hold your authenticator.',
    label: 'Code from your app',
    hint: 'Or one of your recovery codes.',
    storeLabel: 'Answer',
    submit: 'Sign in',
    cancel: 'Start again',
    wrong: (left) => `That code is wrong. ${left === 1 ? '1 try' : `${left} tries`} left.`,
    used: (left) =>
      `That code was used before. Wait for the next one. ${left === 1 ? '1 try' : `${left} tries`} left.`,
  },
  leave: {
    title: 'Enter your enrolment code',
    lead: 'Your VPN window shows a short code, or your administrator gave you an invitation. Enter it with your user name.',
    code: 'Code or invitation',
    hint: 'Capitals, blanks and hyphens do not matter.',
    submit: 'Continue',
    orSignIn: 'Sign in with your password instead',
  },
  enrol: {
    title: 'Connect your authenticator app',
    lead: 'You need an app that makes time-based codes, such as Aegis, FreeOTP, Google Authenticator or Microsoft Authenticator.',
    scan: 'Scan this picture with the app',
    scanHint: 'In the app, choose to add an account and point the camera here.',
    qr: 'QR code with the key for your authenticator app',
    sameDevice: 'Is the app on this device?',
    open: 'Open in the app',
    typeKey: 'Or type this key into the app:',
    key: 'Key',
    facts: (digits, seconds, algorithm) =>
      `Time-based, ${digits} digits, every ${seconds} seconds, ${algorithm}.`,
    confirm: 'Enter the code that the app shows',
    label: 'Code from your app',
    hint: (digits) => `${digits} digits. This shows that everything works.`,
    submit: 'Confirm',
    wrong:
      'That code is not the present one. Wait for the next code and try again; if it stays wrong, check the clock of your device.',
    expiredTitle: 'This took too long',
    expired:
      'The key is no longer good, or your authenticator was set up elsewhere in the meantime. Nothing was changed.',
    again: 'Show a new key',
    cancel: 'Cancel',
  },
  recovery: {
    title: 'Save your recovery codes',
    ready: 'Your authenticator works.',
    lead: 'If you lose your phone, each of these codes lets you in once. They are shown only now.',
    list: 'Recovery codes',
    keep: 'Keep them where only you find them, and not on the phone itself.',
    download: 'Download',
    print: 'Print',
    next: 'I have saved them',
    heading: (service, name) => `Recovery codes of ${name} for ${service}`,
  },
  done: {
    title: 'All done',
    lead: 'Go back to your VPN window. When it asks for a code, type the one that your app shows.',
    wait: 'A code works once: wait until the app shows another than the one that you have just used here.',
    account: 'To my account',
  },
  account: {
    title: 'Your account',
    standing: 'Sign-in',
    open: 'Not locked',
    openText: 'You can sign in.',
    locked: 'Locked',
    lockedFrom: (address) => `Sign-ins from ${address} are locked after too many failures`,
    lockedEverywhere: 'Your sign-ins are locked',
    until: 'until',
    untilReleased: 'until an administrator releases them',
    authenticator: 'Authenticator',
    since: 'Set up',
    codesLeft: 'Recovery codes',
    codesLeftText: (left) => (left === 1 ? '1 left' : `${left} left`),
    fewCodes: 'Make new ones before they run out.',
    replace: 'Replace',
    remove: 'Remove',
    renew: 'New recovery codes',
    sessions: 'VPN sessions',
    noSessions: 'You have not been connected yet.',
    signIns: 'Recent activity',
    noSignIns: 'Nothing has happened yet.',
    unknown: 'If you do not know one of these, change your password and tell your administrator.',
    started: 'Started',
    gateway: 'Gateway',
    from: 'From',
    vpnAddress: 'VPN address',
    state: 'State',
    running: 'Connected',
    ended: 'Ended',
    when: 'When',
    what: 'What',
    portal: 'This portal',
    everywhere: 'Sign out everywhere',
    everywhereText: 'Ends every browser that is signed in here as you. VPN sessions go on.',
    kind(kind) {
      switch (kind) {
        case 'login.accepted':
          return 'Signed in'
        case 'login.challenged':
          return 'Password right, code asked for'
        case 'login.refused':
          return 'Refused'
        case 'login.unavailable':
          return 'Not available'
        case 'address.shared':
          return 'Address in use twice'
        case 'lockout.made':
          return 'Locked'
        case 'lockout.released':
          return 'Released'
        case 'enrolment.made':
          return 'Authenticator set up'
        case 'enrolment.revoked':
          return 'Authenticator removed'
        case 'recovery_codes.made':
          return 'New recovery codes'
        case 'invitation.made':
          return 'Invited to set up an authenticator'
        default:
          return 'Account changed'
      }
    },
  },
  prove: {
    label: 'Code from your app, or a recovery code',
    hint: 'To make sure that it is you.',
    cancel: 'Cancel',
    of: {
      replace: {
        title: 'Replace your authenticator',
        lead: 'The one that you have goes on working until the new one is confirmed.',
        submit: 'Continue',
      },
      remove: {
        title: 'Remove your authenticator',
        lead: 'Its codes and your recovery codes stop working at once. You may have to set up another before you can use the VPN again.',
        submit: 'Remove',
      },
      'recovery-codes': {
        title: 'Make new recovery codes',
        lead: 'All old recovery codes stop working.',
        submit: 'Make new codes',
      },
    },
  },
  removed: {
    title: 'Your authenticator is removed',
    lead: 'You are signed out everywhere on this portal. Sign in with your password to set up another.',
    again: 'Sign in',
  },
  refused(reason, typed, minutes) {
    switch (reason) {
      case 'locked':
        return minutes === undefined
          ? 'This sign-in is locked. Ask your administrator.'
          : `Too many failed attempts. Try again in ${minutes === 1 ? '1 minute' : `${minutes} minutes`}.`
      case 'rate_limited':
        return 'Too many attempts. Wait a minute and try again.'
      case 'unavailable':
        return 'Signing in is not possible right now. Try again in a moment.'
      case 'challenge_expired':
      case 'challenge_mismatch':
        return 'The sign-in took too long. Start again.'
      case 'no_second_factor':
        return 'You have no authenticator. Sign in again to set one up.'
      case 'code_used':
        return 'That code was used before. Wait for the next one.'
      default:
        if (typed === 'leave')
          return 'The user name or the code is wrong, or the code is too old or was used.'
        return typed === 'code' ? 'That code is wrong.' : 'The user name or the password is wrong.'
    }
  },
}

const simplifiedChinese: PortalWords = {
  steps: { label: '步骤', names: ['登录', '绑定应用', '保存恢复代码'] },
  signIn: {
    title: '登录',
    lead: '为您的 VPN 绑定身份验证器应用，或管理已绑定的应用。',
    name: '用户名',
    password: '密码',
    submit: '继续',
    orLeave: '您有 VPN 窗口显示的代码或邀请码吗？',
    leaveLink: '在此输入',
  },
  code: {
    title: '输入验证码',
    lead: '密码正确。请证明身份验证器在您手中。',
    label: '应用中的验证码',
    hint: '也可以输入一个恢复代码。',
    storeLabel: '回答',
    submit: '登录',
    cancel: '重新开始',
    wrong: (left) => `验证码错误，还可再试 ${left} 次。`,
    used: (left) => `该验证码已使用过，请等待下一个。还可再试 ${left} 次。`,
  },
  leave: {
    title: '输入绑定代码',
    lead: 'VPN 窗口会显示一个短代码，或者管理员给了您邀请码。请连同用户名一起输入。',
    code: '代码或邀请码',
    hint: '不区分大小写，空格和连字符可有可无。',
    submit: '继续',
    orSignIn: '改用密码登录',
  },
  enrol: {
    title: '绑定身份验证器应用',
    lead: '您需要一个能生成动态验证码的应用，例如 Aegis、FreeOTP、Google Authenticator 或 Microsoft Authenticator。',
    scan: '用应用扫描此图',
    scanHint: '在应用中选择添加账户，并将摄像头对准此处。',
    qr: '包含身份验证器密钥的二维码',
    sameDevice: '应用就在这台设备上？',
    open: '在应用中打开',
    typeKey: '或者在应用中输入此密钥：',
    key: '密钥',
    facts: (digits, seconds, algorithm) => `基于时间，${digits} 位数字，每 ${seconds} 秒更新，${algorithm}。`,
    confirm: '输入应用显示的验证码',
    label: '应用中的验证码',
    hint: (digits) => `${digits} 位数字，用于确认一切正常。`,
    submit: '确认',
    wrong: '这不是当前的验证码。请等待下一个验证码后重试；如果仍然错误，请检查设备的时间。',
    expiredTitle: '操作超时',
    expired: '密钥已失效，或者身份验证器已在别处完成绑定。未作任何更改。',
    again: '显示新密钥',
    cancel: '取消',
  },
  recovery: {
    title: '保存恢复代码',
    ready: '身份验证器已可使用。',
    lead: '如果手机丢失，每个恢复代码可让您登录一次。它们只在此时显示。',
    list: '恢复代码',
    keep: '请保存在只有您能找到的地方，不要存在这部手机上。',
    download: '下载',
    print: '打印',
    next: '我已保存',
    heading: (service, name) => `${name} 的恢复代码（${service}）`,
  },
  done: {
    title: '全部完成',
    lead: '请回到 VPN 窗口。要求输入验证码时，请输入应用显示的验证码。',
    wait: '每个验证码只能使用一次：请等待应用显示与刚才不同的验证码。',
    account: '查看我的账户',
  },
  account: {
    title: '您的账户',
    standing: '登录状态',
    open: '未锁定',
    openText: '您可以登录。',
    locked: '已锁定',
    lockedFrom: (address) => `因失败次数过多，来自 ${address} 的登录已被锁定`,
    lockedEverywhere: '您的登录已被锁定',
    until: '直到',
    untilReleased: '直到管理员解除',
    authenticator: '身份验证器',
    since: '绑定时间',
    codesLeft: '恢复代码',
    codesLeftText: (left) => `剩余 ${left} 个`,
    fewCodes: '请在用完之前生成新的恢复代码。',
    replace: '更换',
    remove: '移除',
    renew: '生成新的恢复代码',
    sessions: 'VPN 会话',
    noSessions: '您还没有连接过。',
    signIns: '最近活动',
    noSignIns: '还没有任何活动。',
    unknown: '如果其中有您不认识的活动，请修改密码并告知管理员。',
    started: '开始时间',
    gateway: '网关',
    from: '来源',
    vpnAddress: 'VPN 地址',
    state: '状态',
    running: '已连接',
    ended: '已结束',
    when: '时间',
    what: '活动',
    portal: '本网站',
    everywhere: '在所有浏览器上退出登录',
    everywhereText: '结束所有以您的身份登录本网站的浏览器。VPN 会话不受影响。',
    kind(kind) {
      switch (kind) {
        case 'login.accepted':
          return '登录成功'
        case 'login.challenged':
          return '密码正确，等待验证码'
        case 'login.refused':
          return '被拒绝'
        case 'login.unavailable':
          return '服务不可用'
        case 'address.shared':
          return '地址冲突'
        case 'lockout.made':
          return '被锁定'
        case 'lockout.released':
          return '已解除锁定'
        case 'enrolment.made':
          return '已绑定身份验证器'
        case 'enrolment.revoked':
          return '已移除身份验证器'
        case 'recovery_codes.made':
          return '已生成新的恢复代码'
        case 'invitation.made':
          return '受邀绑定身份验证器'
        default:
          return '账户已更改'
      }
    },
  },
  prove: {
    label: '应用中的验证码或恢复代码',
    hint: '用于确认是您本人。',
    cancel: '取消',
    of: {
      replace: {
        title: '更换身份验证器',
        lead: '在新的身份验证器确认之前，现有的仍可使用。',
        submit: '继续',
      },
      remove: {
        title: '移除身份验证器',
        lead: '其验证码和所有恢复代码将立即失效。您可能需要先绑定新的身份验证器才能再次使用 VPN。',
        submit: '移除',
      },
      'recovery-codes': {
        title: '生成新的恢复代码',
        lead: '所有旧的恢复代码将失效。',
        submit: '生成新代码',
      },
    },
  },
  removed: {
    title: '身份验证器已移除',
    lead: '您已在本网站的所有浏览器上退出登录。请用密码登录以绑定新的身份验证器。',
    again: '登录',
  },
  refused(reason, typed, minutes) {
    switch (reason) {
      case 'locked':
        return minutes === undefined
          ? '此登录已被锁定，请联系管理员。'
          : `失败次数过多，请在 ${minutes} 分钟后重试。`
      case 'rate_limited':
        return '尝试次数过多，请稍等一分钟后重试。'
      case 'unavailable':
        return '暂时无法登录，请稍后重试。'
      case 'challenge_expired':
      case 'challenge_mismatch':
        return '登录超时，请重新开始。'
      case 'no_second_factor':
        return '您没有身份验证器，请重新登录以绑定。'
      case 'code_used':
        return '该验证码已使用过，请等待下一个。'
      default:
        if (typed === 'leave') return '用户名或代码错误，或者代码已过期或已使用。'
        return typed === 'code' ? '验证码错误。' : '用户名或密码错误。'
    }
  },
}

export const PORTAL_WORDS: Readonly<Record<Locale, PortalWords>> = {
  en: english,
  'zh-CN': simplifiedChinese,
}
