"""A broadcast while everything fails: does anybody get it twice, is anybody forgotten?

The inbox runs as processes before a WhatsApp that loses answers after the effect, tells every status twice and out of
order, and of some nothing at all. Workers are killed in turn, Redis is flushed, the broker is killed and started, the
platform's clock jumps. Afterwards what arrived is compared with what the inbox says became of each recipient.
"""
