"""The profiles that come with bmuid, for the call records of real switches."""

from collections.abc import Mapping

from bmu.mediation.layout import Delimited, Pairs, Quoting
from bmu.mediation.profile import Condition, Filter, Identifier, Match, Profile
from bmu.mediation.transform import Clock, Form, Instant

# cdr_csv.c of Asterisk 13 and later. The last five depend on cdr.conf: loguniqueid and loguserfield
# (set both, or neither), then newcdrcolumns.
ASTERISK = Profile(
    code="asterisk-master-csv",
    name="Asterisk, cdr_csv: Master.csv",
    encoding="utf-8",
    layout=Delimited(Quoting.DOUBLED, widths=(18, 16, 21)),
    fields=(
        *("accountcode", "src", "dst", "dcontext", "clid", "channel", "dstchannel", "lastapp"),
        *("lastdata", "start", "answer", "end", "duration", "billsec", "disposition", "amaflags"),
        *("uniqueid", "userfield", "peeraccount", "linkedid", "sequence"),
    ),
    filters=(
        Filter(
            "internal call",
            (
                Condition("dcontext", Match.IS, ("internal",)),
                Condition("src", Match.LIKE, ("[0-9]{1,6}",)),
                # Not of six digits: 118118 is dialled from inside as well, and costs.
                Condition("dst", Match.LIKE, ("[0-9*#]{1,5}",)),
            ),
        ),
        Filter("not answered", (Condition("disposition", Match.IS_NOT, ("ANSWERED",)),)),
        Filter("not answered", (Condition("billsec", Match.IS, ("0",)),)),
    ),
    # One channel, whose id this is, can leave several records: a transfer, several telephones rung at once.
    identities=(
        ("sequence", "uniqueid"),
        ("uniqueid", "dstchannel", "start"),
        ("start", "src", "dst", "duration"),
    ),
    uids=(Identifier("phone", "src", Form.NUMBER),),
    usage_class="voice",
    started=Instant("answer", Clock.LOCAL, not_before="uniqueid"),
    times=("start", "end"),
    quantity="billsec",
    origin="src",
    destination="dst",
)

# mod_cdr_csv.c of FreeSWITCH with the template "example" of its vanilla configuration, legs "a".
FREESWITCH = Profile(
    code="freeswitch-cdr-csv",
    name="FreeSWITCH, mod_cdr_csv: template example",
    encoding="utf-8",
    layout=Delimited(Quoting.ALL_BARE, widths=(15,)),
    fields=(
        *("caller_id_name", "caller_id_number", "destination_number", "context", "start_stamp"),
        *("answer_stamp", "end_stamp", "duration", "billsec", "hangup_cause", "uuid"),
        *("bleg_uuid", "accountcode", "read_codec", "write_codec"),
    ),
    filters=(
        Filter("not answered", (Condition("answer_stamp", Match.IS, ("",)),)),
        Filter("not answered", (Condition("billsec", Match.IS, ("0",)),)),
    ),
    identities=(
        ("uuid",),
        ("start_stamp", "caller_id_number", "destination_number", "duration"),
    ),
    uids=(Identifier("phone", "caller_id_number", Form.NUMBER),),
    usage_class="voice",
    started=Instant("answer_stamp", Clock.LOCAL),
    times=("start_stamp", "end_stamp"),
    quantity="billsec",
    origin="caller_id_number",
    destination="destination_number",
)

# Kamailio's acc with dialog: cdr_enable, and failed calls as "call missed". See the recipe under
# examples/usage/kamailio.
KAMAILIO = Profile(
    code="kamailio-acc",
    name="Kamailio, acc: lines in the log",
    encoding="utf-8",
    layout=Pairs(after="(): ", separator=";", label="record"),
    fields=(
        *("record", "start_time", "end_time", "duration", "call_id", "src_user", "dst_user"),
        *("timestamp", "time_attr", "method", "from_tag", "to_tag", "code", "reason"),
    ),
    filters=(
        Filter("not answered", (Condition("record", Match.IS, ("ACC: call missed",)),)),
        Filter("not answered", (Condition("duration", Match.IS, ("0.000", "0")),)),
    ),
    identities=(("call_id", "from_tag", "to_tag", "start_time"),),
    uids=(Identifier("phone", "src_user", Form.NUMBER),),
    usage_class="voice",
    started=Instant("start_time", Clock.EPOCH),
    times=("end_time",),
    quantity="duration",
    origin="src_user",
    destination="dst_user",
)

PLAIN: Mapping[str, Profile] = {
    profile.code: profile for profile in (ASTERISK, FREESWITCH, KAMAILIO)
}
