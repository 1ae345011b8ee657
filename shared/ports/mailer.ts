export interface Mail {
  to: string;
  subject: string;
  text: string;
  html: string;
  /** Becomes the Message-ID, so that a mail sent twice can be recognised. */
  message_id: string;
}

/** Sends a mail, or throws AppError `unavailable` when it may work later, `invalid_request` when it never will. */
export interface Mailer {
  send(mail: Mail): Promise<void>;
}
