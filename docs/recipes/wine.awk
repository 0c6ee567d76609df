# Generated wines in the format of the public wine quality data: a CSV of laboratory measurements and of the
# tasters' scores, 3 to 9; some lines are repeated, as there. No record is real.
#
#   awk -v rows=3000 -v seed=7 -f docs/recipes/wine.awk > wines.csv
#
# The draws are Park and Miller's minimal standard, exact in doubles: every awk writes the same file.

function draw() { state = (state * 16807) % 2147483647; return state / 2147483647 }
# Approximately normal: mean 0, standard deviation 1.
function normal(   sum, turn) { sum = -6; for (turn = 0; turn < 12; turn++) sum += draw(); return sum }
# Approximately normal, with a lower bound.
function around(mean, deviation, least,   value) {
    value = mean + deviation * normal()
    return value < least ? least : value
}

BEGIN {
    if (rows == "") rows = 3000
    state = seed == "" ? 7 : seed
    print "id,colour,fixed_acidity,volatile_acidity,citric_acid,residual_sugar,chlorides," \
        "free_sulfur_dioxide,total_sulfur_dioxide,density,ph,sulphates,alcohol,quality"
    for (row = 1; row <= rows; row++) {
        # One wine in ten was tasted by another group, too.
        if (row == 1 || draw() >= 0.1) {
            red = draw() < 0.25
            alcohol = around(10.5, 1.2, 8)
            volatile = red ? around(0.53, 0.17, 0.1) : around(0.28, 0.1, 0.08)
            fixed = red ? around(8.3, 1.7, 4) : around(6.9, 0.8, 4)
            citric = red ? around(0.27, 0.19, 0) : around(0.33, 0.12, 0)
            sugar = red ? around(2.5, 1, 0.9) : around(6.4, 4.5, 0.6)
            salt = red ? around(0.087, 0.03, 0.01) : around(0.046, 0.015, 0.01)
            free = red ? around(16, 9, 1) : around(35, 15, 2)
            total = free + (red ? around(30, 20, 2) : around(103, 35, 10))
            sulphates = red ? around(0.66, 0.16, 0.3) : around(0.49, 0.11, 0.2)
            ph = 3.2 + (red ? 0.1 : 0) - 0.06 * (fixed - 7) + 0.1 * normal()
            density = 0.9944 + 0.0004 * sugar - 0.0011 * (alcohol - 10.5) + 0.0005 * (fixed - 7) + 0.0003 * normal()
            taste = 5.8 + 0.42 * (alcohol - 10.5) - 2.2 * (volatile - (red ? 0.53 : 0.28)) \
                + 1.3 * (sulphates - 0.53) - 0.25 * (free < 12) - 0.4 * (total > 190) \
                + 0.35 * sin(sugar) + 0.45 * sin(9 * ph) + 0.4 * normal()
            quality = int(taste + 0.5)
            if (quality < 3) quality = 3
            if (quality > 9) quality = 9
            line = sprintf("%s,%.1f,%.3f,%.2f,%.1f,%.3f,%.0f,%.0f,%.5f,%.2f,%.2f,%.1f,%d", \
                red ? "red" : "white", fixed, volatile, citric, sugar, salt, free, total, density, ph, \
                sulphates, alcohol, quality)
        }
        print "w" row "," line
    }
}
