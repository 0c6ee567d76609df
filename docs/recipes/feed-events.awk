# Generated events of a news feed in the format of schemas/feed_events.toml, with two columns that it does not name.
# No record is real.
#
#   awk -v rows=5000 -f docs/recipes/feed-events.awk > yesterday.csv
#   awk -v rows=12000 -v seed=11 -v video=0.9 -f docs/recipes/feed-events.awk > today.csv
#
# Clicks follow a Poisson distribution with mean e^(sum of effects); `video` is added to the effect of format = video
# over the first quarter of the file, and stays. The draws are Park and Miller's minimal standard, exact in
# doubles: every awk writes the same file.

function draw() { state = (state * 16807) % 2147483647; return state / 2147483647 }
function whole(low, high) { return low + int(draw() * (high - low + 1)) }
# Knuth's method: the number of factors whose product stays above e^-mean.
function poisson(mean,   product, count) {
    product = draw(); count = 0
    while (product > exp(-mean)) { product *= draw(); count++ }
    return count
}

BEGIN {
    if (rows == "") rows = 5000
    if (video == "") video = 0
    if (seed == "") seed = 7
    state = seed
    # The first draws of small seeds are small.
    for (row = 0; row < 10; row++) draw()
    split("city|culture|money|sport|world", sections, "|")
    split("0|-0.3|0.2|0.5|0.1", of_section, "|")
    split("gallery|link|text|video", formats, "|")
    split("0.2|-0.2|0|0.1", of_format, "|")
    split("desktop|phone|tablet", devices, "|")
    split("0|0.25|-0.1", of_device, "|")
    print "event_id,viewer,section,format,device,headline,hour,words,followers,rank,clicks"
    for (row = 1; row <= rows; row++) {
        section = whole(1, 5); format = whole(1, 4); device = whole(1, 3)
        hour = int(240 * draw()) / 10
        words = 40 + int(900 * draw() * draw())
        followers = int(exp(4 + 7 * draw()))
        rank = whole(1, 30)
        part = row / (rows / 4)
        effects = 0.5 + of_section[section] + of_format[format] + of_device[device] \
            + 0.02 * hour - 0.0004 * words + 0.22 * (log(followers) - 7.5) - 0.035 * rank \
            + (format == 4 ? video * (part < 1 ? part : 1) : 0)
        printf "e%s-%06d,u%04d,%s,%s,%s,\"%s, as seen\",%.1f,%d,%d,%d,%d\n", seed, row, \
            whole(0, 9999), sections[section], formats[format], devices[device], \
            sections[section], hour, words, followers, rank, poisson(exp(effects))
    }
}
