-- Messages that move to another conversation, when contacts become one or two, are found there.
GRANT UPDATE (conversation_id) ON message_words TO :app;
