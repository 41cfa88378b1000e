#include "decode/decoder_private.h"

#include <assert.h>

/* What the sinks of a stream need. */
struct tcp_context {
    struct decoder *d;
    struct flow *flow;
};

void decoder_tcp_role(struct flow *flow, int client, enum flow_role role)
{
    if (role > (enum flow_role)flow->role) {
        flow->role = (uint8_t)role;
        flow->client = (uint8_t)client;
    }
}

void decoder_tcp_facts(const struct flow *flow, struct tcp_facts *facts)
{
    *facts = (struct tcp_facts){
        .seen_from_syn = flow->syn_seen,
        .num_syns = flow->num_syns,
        .syn_time_ns = flow->syn_ns,
        .synack_time_ns = flow->synack_ns,
        .ack_time_ns = flow->ack_ns,
        .handshake_inferred = flow->handshake_inferred,
    };
    for (int i = 0; i < 2; i++) {
        const struct stream *s = &flow->streams.side[i == 0 ? flow->client : 1 - flow->client];
        uint64_t seen = s->seen > s->first ? s->seen - s->first : 0;
        facts->bytes_seen[i] = seen;
        facts->hardware[i] = flow->hardware[i == 0 ? flow->client : 1 - flow->client];
        facts->bytes_lost[i] = s->lost;
        facts->acked_all[i] = s->acked >= s->seen;
        facts->acked_unseen[i] = s->acked > s->seen + 1; /* a FIN takes one number */
        facts->num_resent[i] = s->num_resent;
        facts->last_data_ns[i] = s->last_data_ns;
        facts->last_seen_ns[i] = s->last_seen_ns;
        facts->fin_seen[i] = s->fin_seen;
        facts->initial_seq[i] = s->is_from_syn ? s->base_seq + (uint32_t)s->first - 1 : 0;
    }
}

static void emit(struct decoder *d, struct flow *flow, enum event_kind kind, int side,
                 const struct place *place, const struct tcp_facts *facts, uint32_t earlier_frame)
{
    struct event event = decoder_event(kind, place);
    event.from = flow->end[side];
    event.to = flow->end[1 - side];
    event.connection = flow->connection;
    event.carrier = CARRIER_TCP;
    event.tcp = facts;
    bool is_here = flow->syn_place.capture == place->capture;
    if (earlier_frame != 0 && is_here && earlier_frame < place->frame) {
        event.frames[0] = earlier_frame;
        event.frames[1] = place->frame;
        event.num_frames = 2;
        event.first_time_ns = flow->syn_place.time_ns;
    }
    decoder_emit(d, &event);
}

static void emit_plain(struct decoder *d, struct flow *flow, enum event_kind kind, int side,
                       const struct place *place)
{
    struct tcp_facts facts;
    decoder_tcp_facts(flow, &facts);
    emit(d, flow, kind, side, place, &facts, 0);
}

static void on_data(void *context, int side, const struct stream_chunk *chunk)
{
    struct tcp_context *c = context;
    decoder_content_data(c->d, c->flow, side, chunk);
}

static void on_gap(void *context, int side, uint64_t len, const struct place *place)
{
    struct tcp_context *c = context;
    decoder_content_gap(c->d, c->flow, side, len, place);
}

static void on_fin(void *context, int side, const struct place *place)
{
    struct tcp_context *c = context;
    decoder_content_end(c->d, c->flow, side, true, place);
    emit_plain(c->d, c->flow, EVENT_TCP_FIN, side, place);
}

static struct stream_sink sink_of(struct tcp_context *context)
{
    return (struct stream_sink){
        .context = context,
        .data = on_data,
        .gap = on_gap,
        .fin = on_fin,
    };
}

static void close_holes(struct decoder *d, struct flow *flow, bool force)
{
    struct tcp_context context = {d, flow};
    struct stream_sink sink = sink_of(&context);
    stream_close_holes(&flow->streams, &d->place, d->clock_ns, force, &d->pool, &sink);
}

static void tell_reset(struct decoder *d, struct flow *flow)
{
    flow->reset_waits = false;
    if (decoder_http_is_under_way(flow)) {
        decoder_content_end(d, flow, 0, false, &flow->reset_place);
        decoder_content_end(d, flow, 1, false, &flow->reset_place);
    }
    emit_plain(d, flow, EVENT_TCP_RESET, flow->reset_side, &flow->reset_place);
}

static bool is_closed(const struct flow *flow)
{
    return flow->streams.side[0].fin_told && flow->streams.side[1].fin_told;
}

/* The connection's last word: everything unfinished is told before it. The entry stays, so that
 * late copies of its frames are known for what they are. */
static void tell_end(struct decoder *d, struct flow *flow, enum tcp_end_reason reason)
{
    struct tcp_facts facts;
    const struct place *place = reason == TCP_END_CAPTURE ? &d->place : &flow->last_place;
    if (flow->end_told) {
        return;
    }
    close_holes(d, flow, true);
    if (flow->reset_waits) {
        tell_reset(d, flow);
    }
    if (!flow->connect_told && flow->synack_ns != 0) {
        flow->connect_told = true;
        emit_plain(d, flow, EVENT_TCP_CONNECT, flow->client, place);
    }
    decoder_content_end(d, flow, 0, false, place);
    decoder_content_end(d, flow, 1, false, place);
    decoder_parser_free(d, flow);
    stream_forget(&flow->streams.side[0], &d->pool);
    stream_forget(&flow->streams.side[1], &d->pool);
    flow->end_told = true;
    decoder_tcp_facts(flow, &facts);
    facts.reason = flow->is_reset ? TCP_END_RESET : is_closed(flow) ? TCP_END_CLOSED : reason;
    emit(d, flow, EVENT_TCP_END, flow->client, place, &facts, 0);
}

static bool has_unfinished(const struct flow *flow)
{
    return flow->parser != NULL || stream_is_waiting(&flow->streams);
}

static struct flow *add_flow(struct decoder *d, const struct segment *g, int *side)
{
    struct flow *flow = flow_add(d->flows, &g->from, &g->to, d->stats.frames, side);
    if (flow == NULL) {
        struct flow *oldest = flow_oldest(d->flows);
        if (has_unfinished(oldest)) {
            decoder_drop(d, DECODER_DROP_FLOW_EVICTED);
        }
        tell_end(d, oldest, TCP_END_EVICTED);
        flow_remove(d->flows, oldest);
        flow = flow_add(d->flows, &g->from, &g->to, d->stats.frames, side);
        assert(flow != NULL);
    }
    stream_pair_init(&flow->streams);
    flow->connection = ++d->num_connections;
    flow->client = flow->end[0].port < flow->end[1].port ? 1 : 0;
    flow->last_place = d->place;
    d->stats.flows++;
    return flow;
}

/* The ports serve another connection from now on. */
static struct flow *renew(struct decoder *d, struct flow *flow, const struct segment *g, int *side)
{
    tell_end(d, flow, TCP_END_REUSED);
    flow_remove(d->flows, flow);
    return add_flow(d, g, side);
}

/* Does this SYN open another connection than the one we know? */
static bool is_other_connection(const struct flow *flow, int side, const struct segment *g)
{
    const struct stream *s = &flow->streams.side[side];
    if (flow->end_told) {
        return true;
    }
    if (!s->is_based) {
        return flow->is_reset || s->fin_seen;
    }
    uint64_t offset = stream_offset(s, g->seq + 1);
    if (s->is_from_syn) {
        bool is_same = g->seq + 1 == s->base_seq + (uint32_t)s->first;
        bool is_far =
            offset > s->next + STREAM_WINDOW_BYTES || offset + STREAM_WINDOW_BYTES < s->next;
        bool is_unanswered = !flow->is_open && s->seen == s->first;
        return !is_same && (is_far || is_unanswered || flow->is_reset || s->fin_seen);
    }
    /* Joined midway: a SYN that belongs to it was captured late, a few frames at most. */
    bool is_ours = offset <= s->next && offset + STREAM_WINDOW_BYTES >= s->next &&
                   flow->streams.num_frames <= 2 * STREAM_GRACE_FRAMES;
    return !is_ours;
}

static void on_client_syn(struct decoder *d, struct flow *flow, int side, const struct segment *g)
{
    struct tcp_facts facts;
    bool is_repeat = flow->syn_seen;
    int64_t since_ns = d->place.time_ns - flow->last_syn_ns;
    if (is_repeat && since_ns < DECODER_DUPLICATE_NS && since_ns > -DECODER_DUPLICATE_NS) {
        decoder_drop(d, DECODER_DROP_DUPLICATE);
        return;
    }
    flow->last_syn_ns = d->place.time_ns;
    flow->syn_place = d->place;
    flow->syn_ns = is_repeat ? flow->syn_ns : d->place.time_ns;
    flow->syn_seen = true;
    flow->num_syns++;
    flow->is_reset = flow->is_open ? flow->is_reset : false; /* refused, and tried again */
    decoder_tcp_role(flow, side, FLOW_ROLE_SYN);
    stream_begin(&flow->streams.side[side], g->seq + 1);
    decoder_tcp_facts(flow, &facts);
    facts.is_repeat = is_repeat;
    emit(d, flow, EVENT_TCP_SYN, side, &d->place, &facts, 0);
}

/* A SYN or SYN/ACK. Returns the connection that it belongs to, NULL when it says nothing. */
static struct flow *on_syn(struct decoder *d, struct flow *flow, int *side, const struct segment *g)
{
    bool is_answer = (g->flags & TCP_ACK) != 0;
    if (is_other_connection(flow, *side, g)) {
        flow = renew(d, flow, g, side);
    }
    struct stream *s = &flow->streams.side[*side];
    struct stream *other = &flow->streams.side[1 - *side];
    bool is_stray = s->is_from_syn && g->seq + 1 != s->base_seq + (uint32_t)s->first;
    if (is_stray) {
        return NULL; /* RFC 5961 4: an old or forged SYN inside the window */
    }
    if (!is_answer) {
        on_client_syn(d, flow, *side, g);
        return flow;
    }
    if (other->is_from_syn && flow->syn_seen &&
        g->ack != other->base_seq + (uint32_t)other->first) {
        return NULL; /* it answers another SYN */
    }
    if (flow->synack_ns == 0) {
        flow->synack_ns = d->place.time_ns;
    }
    flow->is_open = true;
    flow->handshake_inferred = false;
    decoder_tcp_role(flow, 1 - *side, FLOW_ROLE_SYNACK);
    stream_begin(s, g->seq + 1);
    stream_begin(other, g->ack);
    return flow;
}

/* Does this number lie behind the bytes handed out, and so bytes are missing before it? */
static bool is_ahead(const struct stream *s, uint32_t seq)
{
    if (!s->is_based || !s->is_settled || !s->is_wanted) {
        return false;
    }
    uint64_t offset = stream_offset(s, seq);
    return offset > s->next + 1 && offset - s->next <= STREAM_WINDOW_BYTES;
}

/* Was the RST captured before bytes that were sent before it? Its numbers may tell, or a message
 * under way. Then it waits for them, DECODER_GAP_NS at most. */
static bool is_reset_early(const struct flow *flow)
{
    const struct stream *s = &flow->streams.side[flow->reset_side];
    const struct stream *other = &flow->streams.side[1 - flow->reset_side];
    return stream_is_waiting(&flow->streams) || is_ahead(s, flow->reset_seq) ||
           (flow->reset_has_ack && is_ahead(other, flow->reset_ack)) ||
           decoder_http_is_under_way(flow);
}

/* RST, RFC 9293 3.5.3. */
static void on_reset(struct decoder *d, struct flow *flow, int side, const struct segment *g)
{
    struct stream *s = &flow->streams.side[side];
    s->has_frames = true;
    s->last_seen_ns = d->place.time_ns;
    if (flow->is_reset || flow->end_told) {
        return;
    }
    flow->is_reset = true;
    flow->reset_side = (uint8_t)side;
    flow->reset_place = d->place;
    flow_watch(d->flows, FLOW_WATCH_HOLES, flow, d->clock_ns + DECODER_GAP_NS);
    if (!flow->is_open && flow->syn_seen) {
        if (side != flow->client) {
            struct tcp_facts facts;
            decoder_tcp_facts(flow, &facts);
            emit(d, flow, EVENT_TCP_REFUSED, side, &d->place, &facts, flow->syn_place.frame);
        }
        return;
    }
    flow->reset_waits = true;
    flow->reset_seq = g->seq;
    flow->reset_ack = g->ack;
    flow->reset_has_ack = (g->flags & TCP_ACK) != 0;
    if (!is_reset_early(flow)) {
        tell_reset(d, flow);
    }
}

/* The client's first segment after the handshake. */
static void on_connect(struct decoder *d, struct flow *flow, int side, const struct segment *g)
{
    struct stream *other = &flow->streams.side[1 - side];
    const struct stream *s = &flow->streams.side[side];
    bool is_due = side == flow->client && !flow->connect_told && (g->flags & TCP_ACK) != 0 &&
                  (flow->synack_ns != 0 || (flow->syn_seen && (g->flags & TCP_RST) == 0));
    if (!is_due) {
        return;
    }
    if (flow->synack_ns == 0) {
        flow->handshake_inferred = true;
        flow->is_open = true;
        bool is_third = g->seq == s->base_seq + (uint32_t)s->first;
        if (is_third && !other->is_settled) {
            stream_begin(other, g->ack);
        }
    }
    flow->connect_told = true;
    flow->ack_ns = d->place.time_ns;
    emit_plain(d, flow, EVENT_TCP_CONNECT, side, &d->place);
}

/* A direction that nobody wants: does one of our messages begin here after all? */
static bool is_recognised(struct flow *flow, int side, const struct segment *g)
{
    struct stream *s = &flow->streams.side[side];
    if (g->payload.len == 0 || decoder_content_of(flow, g->payload) == FLOW_UNDECIDED) {
        return false;
    }
    uint64_t offset = stream_offset(s, g->seq);
    if (s->is_based && offset < s->next && offset + STREAM_WINDOW_BYTES >= s->next) {
        return false; /* sent again, or too late */
    }
    if (s->is_based) {
        flow->content[side] = FLOW_UNDECIDED;
        stream_resume(s, offset);
    }
    return s->is_based;
}

static void push_payload(struct decoder *d, struct flow *flow, int side, const struct segment *g)
{
    struct stream *s = &flow->streams.side[side];
    struct stream_segment segment = {
        .seq = g->seq + ((g->flags & TCP_SYN) != 0 ? 1 : 0),
        .ack = g->ack,
        .has_ack = (g->flags & TCP_ACK) != 0,
        .has_fin = (g->flags & TCP_FIN) != 0,
        .payload = g->payload,
        .wire_len = g->payload_len,
        .place = d->place,
        .clock_ns = d->clock_ns,
    };
    if (!s->is_wanted && !segment.has_fin && !is_recognised(flow, side, g) &&
        !flow->streams.side[1 - side].is_wanted) {
        stream_skip(&flow->streams, side, &segment);
        return;
    }
    struct tcp_context context = {d, flow};
    struct stream_sink sink = sink_of(&context);
    uint64_t refused = d->pool.refused;
    stream_push(&flow->streams, side, &segment, &d->pool, &sink);
    d->stats.drops[DECODER_DROP_REORDER_FULL] += d->pool.refused - refused;
    if (flow->reset_waits && !is_reset_early(flow)) {
        tell_reset(d, flow);
    }
    if (!flow->watch[FLOW_WATCH_HOLES].is_on &&
        (stream_is_waiting(&flow->streams) || is_closed(flow))) {
        flow_watch(d->flows, FLOW_WATCH_HOLES, flow, d->clock_ns + DECODER_GAP_NS);
    }
}

/* Nothing of an ended connection matters but bytes that it did not have. */
static bool is_after_end(const struct flow *flow, int side, const struct segment *g)
{
    const struct stream *s = &flow->streams.side[side];
    if (g->payload_len == 0 || !s->is_based) {
        return true;
    }
    return stream_offset(s, g->seq) + g->payload_len <= s->seen;
}

void decoder_tcp(struct decoder *d, const struct segment *g)
{
    int side = 0;
    struct flow *flow = flow_find(d->flows, &g->from, &g->to, d->stats.frames, &side);
    bool is_syn = (g->flags & TCP_SYN) != 0;
    if (flow == NULL) {
        flow = add_flow(d, g, &side);
        flow->is_open = !is_syn;
    }
    if (!flow->host_told[side]) {
        flow->host_told[side] = true;
        decoder_host_seen(d, g);
    }
    if (flow->end_told && !is_syn) {
        if (is_after_end(flow, side, g)) {
            return;
        }
        flow = renew(d, flow, g, &side);
        flow->is_open = true;
    }
    if (!flow->hardware[side].known) {
        flow->hardware[side] = g->from_hardware;
    }
    if (is_syn && (g->flags & TCP_RST) == 0) {
        flow = on_syn(d, flow, &side, g);
        if (flow == NULL) {
            return;
        }
    }
    flow->last_place = d->place;
    if (!is_syn) {
        on_connect(d, flow, side, g);
    }
    if ((g->flags & TCP_RST) != 0) {
        on_reset(d, flow, side, g);
        return;
    }
    if (!is_syn && side != flow->client) {
        flow->is_open = true;
    }
    push_payload(d, flow, side, g);
}

static void on_due(struct decoder *d, struct flow *flow)
{
    close_holes(d, flow, flow->is_reset);
    if (flow->reset_waits) {
        tell_reset(d, flow);
    }
    if (flow->is_reset || is_closed(flow)) {
        tell_end(d, flow, TCP_END_CLOSED);
    } else if (stream_is_waiting(&flow->streams)) {
        flow_watch(d->flows, FLOW_WATCH_HOLES, flow, d->clock_ns + DECODER_GAP_NS);
    }
}

/* The connection due first, taken out of its list; NULL: none is due yet. */
static struct flow *take_due(struct decoder *d, enum flow_watch_kind kind, int64_t now_ns)
{
    struct flow *flow = flow_watched(d->flows, kind);
    if (flow == NULL || flow->watch[kind].due_ns > now_ns) {
        return NULL;
    }
    flow_unwatch(d->flows, kind, flow);
    return flow;
}

void decoder_tcp_due(struct decoder *d)
{
    struct flow *flow;
    while ((flow = take_due(d, FLOW_WATCH_HOLES, d->pool.settled_ns)) != NULL) {
        on_due(d, flow);
    }
    while ((flow = take_due(d, FLOW_WATCH_REPLY, d->clock_ns)) != NULL) {
        if (flow->end_told) {
            continue;
        }
        emit_plain(d, flow, EVENT_TCP_SILENCE, flow->client, &flow->last_place);
        if (++flow->num_silences < DECODER_SILENCES_MAX) {
            flow_watch(d->flows, FLOW_WATCH_REPLY, flow, d->clock_ns + DECODER_SILENCE_NS);
        }
    }
}

void decoder_tcp_end(struct decoder *d)
{
    struct flow *flow = flow_first(d->flows);
    while (flow != NULL) {
        tell_end(d, flow, TCP_END_CAPTURE);
        flow = flow_after(d->flows, flow);
    }
}
