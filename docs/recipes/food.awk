# Generated foods in the format of Open Food Facts: a CSV with line numbers under an empty header, nutrients per
# 100 g, zeros and gaps for unknown values. No record is real.
#
#   awk -v rows=3000 -v seed=7 -f docs/recipes/food.awk > foods.csv
#
# With -v key=1 the last column, kind, has the kind of each line. The draws are Park and Miller's
# minimal standard, exact in doubles: every awk writes the same file.

function draw() { state = (state * 16807) % 2147483647; return state / 2147483647 }
# Approximately normal.
function around(mean, deviation,   sum, turn) {
    sum = -6; for (turn = 0; turn < 12; turn++) sum += draw()
    sum = mean + deviation * sum
    return sum < 0 ? 0 : sum
}
function gap(share, number) { return draw() < share ? (draw() < 0.5 ? "0.0" : "") : sprintf("%.4g", number) }

BEGIN {
    if (rows == "") rows = 3000
    state = seed == "" ? 7 : seed
    print ",completeness,energy-kcal_100g,energy_100g,fat_100g,saturated-fat_100g," \
        "carbohydrates_100g,sugars_100g,proteins_100g,salt_100g,sodium_100g" (key ? ",kind" : "")
    # Of 20 lines so many are drinks, sweets, grains, meats and oils.
    split("drinks drinks drinks drinks drinks drinks drinks sweets sweets sweets sweets sweets " \
        "grains grains grains grains meats meats meats oils", turns, " ")
    for (row = 0; row < rows; row++) {
        kind = turns[int(draw() * 20) + 1]
        if (kind == "drinks") { fat = around(0.2, 0.2); heavy = fat / 3; carbs = around(6, 2); sweet = carbs * 0.9; protein = around(0.6, 0.3); salt = around(0.05, 0.03) }
        if (kind == "sweets") { fat = around(14, 3); heavy = fat * 0.5; carbs = around(68, 4); sweet = around(54, 4); protein = around(5, 1); salt = around(0.25, 0.1) }
        if (kind == "grains") { fat = around(3, 1); heavy = fat / 5; carbs = around(66, 4); sweet = around(4, 1.5); protein = around(11, 1.5); salt = around(0.8, 0.2) }
        if (kind == "meats") { fat = around(20, 3); heavy = fat * 0.4; carbs = around(1, 0.5); sweet = carbs / 2; protein = around(22, 2.5); salt = around(2, 0.25) }
        if (kind == "oils") { fat = around(93, 3); heavy = around(16, 2); carbs = 0; sweet = 0; protein = 0; salt = 0 }
        # One in 500 is in another unit, or a slip.
        if (draw() < 0.002) fat = 222
        energy = 9 * (fat > 100 ? 100 : fat) + 4 * carbs + 4 * protein
        line = row "," sprintf("%.4f", 0.2 + 0.6 * draw()) "," gap(0.01, energy) "," gap(0.01, energy * 4.184) \
            "," sprintf("%.4g", fat) "," gap(0.02, heavy) "," gap(0.01, carbs) "," gap(0.02, sweet) \
            "," gap(0.01, protein) "," gap(0.02, salt) "," gap(0.02, salt / 2.5)
        print line (key ? "," kind : "")
    }
}
