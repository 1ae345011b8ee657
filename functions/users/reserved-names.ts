/** User names that speak for the platform or for its mailboxes (RFC 2142), or that programs take for something else. */
const RESERVED: ReadonlySet<string> = new Set(
  `abuse account accounts admin administrator admins all anonymous api app auth billing bot contact everyone ftp guest help
helpdesk hostmaster info internal legal login logout mail mailerdaemon me moderator nobody noreply null official operator
oauth owner perfect21 platform postmaster privacy register root sales security self service settings signin signup staff
status superuser support sys sysadmin system team test undefined user users webmaster www`.split(/\s+/),
);

/** True for a reserved name, also with dots and dashes in it. @example isReserved('Ad-min') // true */
export const isReserved = (username: string): boolean => {
  return RESERVED.has(username.toLowerCase().replace(/[._-]/g, ''));
};
