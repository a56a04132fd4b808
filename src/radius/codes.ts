/** Packet codes that the broker speaks: RFC 2865 §3, RFC 2866 §3, RFC 5176 §3, RFC 5997 §2. */
export const Code = {
  AccessRequest: 1,
  AccessAccept: 2,
  AccessReject: 3,
  AccountingRequest: 4,
  AccountingResponse: 5,
  AccessChallenge: 11,
  StatusServer: 12,
  DisconnectRequest: 40,
  DisconnectAck: 41,
  DisconnectNak: 42,
} as const

/** Attribute types that the code names; the dictionaries hold all others by their own names. */
export const Attr = {
  // RFC 2865 §5
  UserName: 1,
  UserPassword: 2,
  ChapPassword: 3,
  NasIpAddress: 4,
  NasPort: 5,
  ServiceType: 6,
  FramedIpAddress: 8,
  ReplyMessage: 18,
  State: 24,
  Class: 25,
  VendorSpecific: 26,
  CallingStationId: 31,
  NasIdentifier: 32,
  ProxyState: 33,
  // RFC 2866 §5
  AcctStatusType: 40,
  AcctDelayTime: 41,
  AcctInputOctets: 42,
  AcctOutputOctets: 43,
  AcctSessionId: 44,
  AcctSessionTime: 46,
  AcctTerminateCause: 49,
  // RFC 2865 §5.41
  NasPortType: 61,
  // RFC 2869 §5
  AcctInputGigawords: 52,
  AcctOutputGigawords: 53,
  EventTimestamp: 55,
  ConnectInfo: 77,
  EapMessage: 79,
  MessageAuthenticator: 80,
  // RFC 3162 §2.3
  FramedIpv6Prefix: 97,
  // RFC 5176 §3.5
  ErrorCause: 101,
  // RFC 4818 §3
  DelegatedIpv6Prefix: 123,
  // RFC 6911 §3.1
  FramedIpv6Address: 168,
} as const

/** Private enterprise numbers of the vendors in the dictionaries. */
export const Vendor = { Cisco: 9, Microsoft: 311, RoaringPenguin: 10055 } as const
