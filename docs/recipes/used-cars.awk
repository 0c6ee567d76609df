# Generated listings of used cars in the format of public data sets: a CSV of 66 columns with units in texts,
# gaps ("--" and nothing) and uninformative columns. No record is real.
#
#   awk -v rows=6000 -v seed=7 -f docs/recipes/used-cars.awk > used_cars.csv
#
# The draws are Park and Miller's minimal standard, exact in doubles: every awk writes the same file.

function draw() { state = (state * 16807) % 2147483647; return state / 2147483647 }
function whole(low, high) { return low + int(draw() * (high - low + 1)) }
function one(names,   parts, count) { count = split(names, parts, "|"); return parts[whole(1, count)] }
# Approximately normal: mean 0, standard deviation 1.
function normal(   sum, turn) { sum = -6; for (turn = 0; turn < 12; turn++) sum += draw(); return sum }
# 12345 is "12,345".
function grouped(number) {
    number = int(number)
    return number < 1000 ? number "" : sprintf("%d,%03d", int(number / 1000), number % 1000)
}
function gap(share, text) { return draw() < share ? (draw() < 0.5 ? "--" : "") : text }
function cell(text) {
    if (text ~ /[",]/) { gsub(/"/, "\"\"", text); text = "\"" text "\"" }
    line = line (columns++ ? "," : "") text
}
function yes(share) { return draw() < share ? "True" : "False" }

BEGIN {
    if (rows == "") rows = 6000
    state = seed == "" ? 7 : seed
    print "vin,back_legroom,bed,bed_height,bed_length,body_type,cabin,city,city_fuel_economy," \
        "combine_fuel_economy,daysonmarket,dealer_zip,description,engine_cylinders," \
        "engine_displacement,engine_type,exterior_color,fleet,frame_damaged,franchise_dealer," \
        "franchise_make,front_legroom,fuel_tank_volume,fuel_type,has_accidents,height," \
        "highway_fuel_economy,horsepower,interior_color,isCab,is_certified,is_cpo,is_new,is_oemcpo," \
        "latitude,length,listed_date,listing_color,listing_id,longitude,main_picture_url," \
        "major_options,make_name,maximum_seating,mileage,model_name,owner_count,power,price,salvage," \
        "savings_amount,seller_rating,sp_id,sp_name,theft_title,torque,transmission," \
        "transmission_display,trimId,trim_name,vehicle_damage_category,wheel_system," \
        "wheel_system_display,wheelbase,width,year"
    split("Arden|Borealis|Corvus|Dunlin|Esker|Fulmar", makes, "|")
    split("Sedan|Wagon|SUV|Pickup", bodies, "|")
    for (row = 1; row <= rows; row++) {
        make = whole(1, 6); model = whole(1, 4); trim = whole(1, 3)
        year = 2022 - int(14 * draw() * draw()); age = 2023 - year
        mileage = int(age * 9000 * (0.4 + draw()))
        power = 90 + 25 * model + 20 * trim + 12 * make + whole(0, 15)
        body = bodies[(make + model) % 4 + 1]
        fuel = draw() < 0.08 ? "Hybrid" : (draw() < 0.1 ? "Diesel" : "Gasoline")
        accidents = draw() < 0.15
        wheels = one("FWD|AWD|RWD")
        span = 165 + 9 * model + whole(0, 6); width = 68 + model + whole(0, 2)
        tank = 10 + 2.5 * model + int(10 * draw()) / 10
        # What no sum of single effects says: who pays for which wheels, when an accident counts.
        heavy = body == "SUV" || body == "Pickup"
        grip = wheels == "AWD" ? (heavy ? 0.28 : -0.08) : (wheels == "RWD" ? (heavy ? -0.14 : 0.16) : 0)
        logarithm = 9.35 + 0.11 * make + 0.14 * model + 0.07 * trim + 0.0018 * power + grip \
            - 0.065 * age * (fuel == "Hybrid" ? 0.5 : 1) - 0.0000038 * mileage \
            - (age < 5 ? 0.25 : 0.04) * accidents + 0.06 * normal()
        price = 10 * int(exp(logarithm) / 10)
        dealer = whole(1, 120)
        line = ""; columns = 0
        cell(sprintf("V%06dX%05d", row, whole(0, 99999)))
        cell(gap(0.06, sprintf("%.1f in", 33 + model + draw() * 2)))
        pickup = body == "Pickup"
        cell(pickup ? one("Short|Long") : ""); cell("--"); cell(pickup ? gap(0.2, "67.1 in") : "")
        cell(body); cell(pickup ? one("Crew Cab|Double Cab") : "")
        cell("Town " dealer % 25); cell(gap(0.1, 38 - model * 2 - trim)); cell("")
        cell(whole(1, 200)); cell(10000 + dealer * 7)
        cell("A " year " " makes[make] ", one of a kind, \"as new\".")
        cylinders = power > 220 ? "V6" : "I4"
        cell(cylinders); cell(gap(0.05, sprintf("%.1f L", 1.2 + power / 130))); cell(cylinders)
        colour = one("Black|White|Silver|Blue|Red")
        cell(colour); cell(gap(0.45, yes(0.2))); cell(gap(0.45, yes(0.01)))
        cell(yes(0.6)); cell(gap(0.3, makes[dealer % 6 + 1]))
        cell(gap(0.05, sprintf("%.1f in", 40 + draw() * 4))); cell(gap(0.05, sprintf("%.1f gal", tank)))
        cell(fuel); cell(gap(0.2, accidents ? "True" : "False"))
        cell(gap(0.05, sprintf("%.1f in", body == "Sedan" ? 57 + draw() : 65 + draw() * 4)))
        cell(gap(0.1, 45 - model * 2 - trim)); cell(gap(0.05, power)); cell(one("Black|Beige|Gray"))
        cell("False"); cell(""); cell("")
        cell("False"); cell(draw() < 0.05 ? "True" : "")
        cell(sprintf("%.4f", 30 + dealer % 25 * 0.6)); cell(gap(0.05, sprintf("%.1f in", span)))
        cell(sprintf("2023-%02d-%02d", whole(1, 9), whole(1, 28))); cell(toupper(colour))
        cell(200000000 + row); cell(sprintf("%.4f", -120 + dealer % 25 * 1.7))
        cell("https://pictures.example/" row ".jpg")
        cell("[" one("'Alloy Wheels'|'Sunroof'|'Heated Seats'") ", " one("'Bluetooth'|'Camera'") "]")
        cell(makes[make]); cell(gap(0.05, (body == "SUV" ? 7 : 5) " seats"))
        cell(gap(0.04, grouped(mileage) " mi")); cell(makes[make] " " model * 100); cell(gap(0.3, whole(1, 4)))
        cell(gap(0.08, power " hp @ " grouped(5200 + 100 * trim) " RPM"))
        cell("$" grouped(price)); cell(gap(0.45, yes(0.01))); cell(whole(0, 900))
        cell(gap(0.02, sprintf("%.2f", 3 + 2 * draw()))); cell(400000 + dealer * 331); cell("Dealer " dealer)
        cell(gap(0.45, yes(0.005))); cell(gap(0.1, int(power * 1.1) " lb-ft @ 2,400 RPM"))
        gears = one("A|M|CVT"); cell(gears)
        cell(gears == "A" ? "8-Speed Automatic" : (gears == "M" ? "6-Speed Manual" : "Continuously Variable"))
        cell("t" make * 100 + model * 10 + trim); cell("Trim " trim); cell("")
        cell(wheels); cell(wheels == "AWD" ? "All-Wheel Drive" : (wheels == "FWD" ? "Front-Wheel Drive" : "Rear-Wheel Drive"))
        cell(gap(0.05, sprintf("%.1f in", span * 0.58))); cell(gap(0.05, sprintf("%.1f in", width)))
        cell(year)
        print line
    }
}
