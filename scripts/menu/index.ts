/** A page from templates, with its style sheet in assets/: `templates/` and `assets/` belong to the script's folder. */
import { HttpError, registerWebHandler } from "@aiwebengine/sdk";

interface Dish {
  readonly name: string;
  readonly price: number;
  readonly hot?: boolean;
}

const DISHES: { readonly [day: string]: readonly Dish[] } = {
  monday: [
    { name: "Lentils & rice", price: 7.5 },
    { name: "Dan dan noodles", price: 9, hot: true },
  ],
  friday: [{ name: "Fish <of the day>", price: 12 }],
};

registerWebHandler("GET /menu", { query: { day: "string = 'monday'" } }, ({ query: { day }, render }) => {
  const dishes = Object.hasOwn(DISHES, day) ? DISHES[day] : undefined;
  if (dishes === undefined) throw new HttpError(404, "There is no menu for that day.");
  return render("menu", { day, dishes });
});
